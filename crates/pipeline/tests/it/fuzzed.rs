//! The checks of the fuzz targets on thousands of texts, the same ones each time: seeds, changed here and there.

#[path = "../../fuzz/checks.rs"]
mod checks;

/// A generator of numbers (xorshift), so that every run sees the same ones.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % most.max(1)
    }
}

/// Cuts, repeats, swaps and puts in until nobody would write it so.
fn changed(seed: &str, bits: &[&str], numbers: &mut Numbers) -> String {
    let mut chars: Vec<char> = seed.chars().collect();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(chars.len() + 1);
        let end = (at + numbers.below(12)).min(chars.len());
        match numbers.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece = chars[at..end].repeat(1 + numbers.below(40));
                chars.splice(at..at, piece);
            }
            2 if end > at => chars.swap(at, end - 1),
            3 if end > at => chars[at] = char::from_u32(u32::try_from(numbers.below(0x300)).unwrap_or(0)).unwrap_or('x'),
            _ => drop(chars.splice(at..end, bits[numbers.below(bits.len())].chars())),
        }
    }
    chars.into_iter().collect()
}

fn run(name: u64, times: usize, seeds: &[&str], bits: &[&str], check: fn(&str)) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ name);
    for seed in seeds {
        check(seed);
    }
    for _ in 0..times {
        let seed = seeds[numbers.below(seeds.len())];
        let text = changed(seed, bits, &mut numbers);
        let sound = std::panic::catch_unwind(|| check(&text)).is_ok();
        assert!(sound, "this text is at fault: {text:?}");
    }
}

#[test]
fn any_workflow_expression_is_answered() {
    let seeds = [
        "github.ref == 'refs/heads/main' && !contains(github.list.*.b, 'x') || success()",
        "case(github.n > 1, format('{0} {{1}} {0}', github.ref), 2 <= 0x1F, join(github.list, '-'), toJSON(github))",
        "fromJSON('{\"a\": [1, 2.5e3, null, {\"b\": \"c\"}]}').a[3].b",
        "${{ github.deep.x.y[0][0] }} and ${{ needs.*.result }}",
        "((github['ref'] != null) == true) && startsWith(github.ref, 'é') && endsWith('ß', 'SS')",
        "-Infinity < +.5 || NaN >= 1e-7",
        "success('a') && always() && !cancelled() && hashFiles('**/x', '!y')",
    ];
    let bits = [
        "(",
        ")",
        "[",
        "]",
        ".*",
        "'",
        "''",
        "!",
        "&&",
        "||",
        "==",
        "<",
        ",",
        "{0}",
        "${{",
        "}}",
        "null",
        "github",
        ".",
        "\n",
        "\u{a0}",
        "fromJSON('",
        "format(",
        "1e999",
        "0x",
        "😀",
    ];
    run(1, 6_000, &seeds, &bits, checks::github_expression);
}

#[test]
fn any_condition_is_answered() {
    let seeds = [
        "$A == \"a\" && ($B != null || $N =~ /^a.*\\/b$/i)",
        "$A =~ $P || 'x' !~ \"/(/\" && true",
        "((($A)))",
        "\"a\" == 'a' == true",
        "$A =~ /[a-z]+(\\d|x)*/msU",
    ];
    let bits = [
        "$", "$A", "${A}", "\"", "'", "/", "\\/", "(", ")", "=~", "!~", "==", "!=", "&&", "||", "null", "true", "[", "{1000}", "\n", "é",
        "(?i)", "\\Q", "*",
    ];
    run(2, 6_000, &seeds, &bits, checks::gitlab_condition);
}

#[test]
fn any_file_is_a_plan_or_problems() {
    let seeds = [
        "a: &a {script: [x], <<: {when: manual}}\nb:\n  <<: *a\n  needs: [a]\n  rules: [{if: $A, when: never}, {when: always}]\n",
        "on: push\nenv: {A: 3.10, B: yes}\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: |\n          x\n          y\n      - {run: \"echo ${{ env.A }}\"}\n",
        "spec: {inputs: {a: {default: x}}}\n---\n.t: {script: [!reference [b, script]]}\nb: {script: ['$[[ inputs.a ]]']}\nc: {extends: .t, parallel: {matrix: [{V: [1, 2]}]}}\n",
        "'x': >-\n  folded\n  text\n? y\n: [1, 0755, 2026-01-02, ~, !!str 1]\n",
    ];
    let bits = [
        "&a ", "*a", "<<: ", "? ", ": ", "- ", "\n", "\n  ", "\t", "{", "}", "[", "]", "'", "\"", "|", ">", "#", "!", "!!int ", "---\n",
        "...\n", "%", "@", "\u{feff}", "\0", "\u{85}", "\r", "é", "${{ ", " }}", "$[[ ",
    ];
    run(3, 2_000, &seeds, &bits, checks::yaml);
}
