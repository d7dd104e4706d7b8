//! A text with a piece less.

/// Every text that is this one without some lines, or without some letters.
pub fn shorter(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut found = without_runs(&lines);
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= 300 {
        let letters: Vec<String> = letters.into_iter().map(String::from).collect();
        found.extend(without_runs(&letters.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    found
}

/// Without runs of half of the pieces, a quarter and so on.
fn without_runs(pieces: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut run = pieces.len() / 2;
    while run > 0 {
        for start in (0..pieces.len()).step_by(run) {
            let end = (start + run).min(pieces.len());
            found.push(pieces[..start].iter().chain(&pieces[end..]).copied().collect());
        }
        run /= 2;
    }
    found
}
