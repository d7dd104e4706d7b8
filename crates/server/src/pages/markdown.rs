//! Markdown that a job wrote, as markup of ours: nothing of it can run, and nothing is fetched for it.
//!
//! HTML in it is left out, with the text between its tags kept; an image is its words; a link leads only to the web or to a
//! mail address. What nests too deeply is shown without its frame.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// How much of a text is shown.
const MAX_TEXT: usize = 128 << 10;
/// What begins a heading of a table.
const HEADING: &str = "<th scope=\"col\">";
/// How deep frames nest.
const MAX_DEPTH: usize = 24;

/// The markup, and whether all of the text is in it.
pub(super) fn markdown(text: &str) -> (Markup, bool) {
    let shown = &text[..text.floor_char_boundary(MAX_TEXT)];
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::default();
    for event in Parser::new_ext(shown, options) {
        page.take(event);
    }
    (PreEscaped(page.out), shown.len() == text.len())
}

#[derive(Default)]
struct Page {
    out: String,
    /// What ends the frames that are open; nothing for one that is not shown.
    open: Vec<&'static str>,
    /// In a row of a table's head.
    head: bool,
    /// What ends the HTML tag or comment that goes on in the next piece.
    within: Option<&'static str>,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let (begin, end): (String, &'static str) = match tag {
            Tag::Paragraph => ("<p>".into(), "</p>"),
            // a page has one title, and sections; these stand below
            Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. } => ("<h3>".into(), "</h3>"),
            Tag::Heading { .. } => ("<h4>".into(), "</h4>"),
            Tag::BlockQuote(_) => ("<blockquote>".into(), "</blockquote>"),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => ("<pre><code>".into(), "</code></pre>"),
            Tag::List(None) => ("<ul class=\"plain\">".into(), "</ul>"),
            Tag::List(Some(first)) => (format!("<ol start=\"{first}\">"), "</ol>"),
            Tag::Item => ("<li>".into(), "</li>"),
            Tag::Table(_) => {
                ("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>".into(), "</tbody></table></div>")
            }
            Tag::TableHead => {
                self.head = true;
                ("<thead><tr>".into(), "</tr></thead><tbody>")
            }
            Tag::TableRow => ("<tr>".into(), "</tr>"),
            Tag::TableCell if self.head => (HEADING.into(), "</th>"),
            Tag::TableCell => ("<td>".into(), "</td>"),
            Tag::Emphasis => ("<em>".into(), "</em>"),
            Tag::Strong => ("<strong>".into(), "</strong>"),
            Tag::Strikethrough => ("<del>".into(), "</del>"),
            Tag::Link { dest_url, .. } if leads_somewhere(dest_url) => {
                (format!("<a rel=\"nofollow noopener noreferrer\" href=\"{}\">", escaped(dest_url)), "</a>")
            }
            Tag::Image { .. } => ("<span class=\"hint\">[image: ".into(), "]</span>"),
            _ => (String::new(), ""),
        };
        // what is left out must not leave cells without a table
        let shown = self.open.len() < MAX_DEPTH;
        if shown {
            self.out.push_str(&begin);
        }
        self.open.push(if shown { end } else { "" });
    }

    fn end(&mut self, end: TagEnd) {
        if end == TagEnd::TableHead {
            self.head = false;
        }
        let ends = self.open.pop().unwrap_or_default();
        // a heading that says nothing is none
        if ends == "</th>" && self.out.ends_with(HEADING) {
            self.out.truncate(self.out.len() - HEADING.len());
            self.out.push_str("<td></td>");
            return;
        }
        self.out.push_str(ends);
        if matches!(end, TagEnd::HtmlBlock) {
            self.within = None;
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(&escaped(text));
    }

    /// What is between tags; the tags themselves are left out.
    fn html(&mut self, html: &str) {
        let mut rest = html;
        while !rest.is_empty() {
            let (part, after) = rest.split_once(self.within.unwrap_or("<")).map_or((rest, None), |(part, after)| (part, Some(after)));
            if self.within.is_none() {
                self.text(part);
            }
            let Some(after) = after else { break };
            rest = after;
            self.within = match self.within {
                None => Some(if rest.starts_with("!--") { "-->" } else { ">" }),
                // words on both sides of a tag stay words
                Some(_) => {
                    self.out.push(' ');
                    None
                }
            };
        }
    }
}

/// Only what a person would follow: no script, no data, nothing of this server.
fn leads_somewhere(address: &str) -> bool {
    let address = address.trim_start().to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(markdown(text).0.into_string(), expected);
    }

    #[test]
    fn a_summary_has_headings_lists_tables_and_code() {
        check("# Tests\n\n- [x] **20** passed\n", "<h3>Tests</h3><ul class=\"plain\"><li>☑ <strong>20</strong> passed</li></ul>");
        check("```rust\nlet a = 1 < 2;\n```\n", "<pre><code>let a = 1 &lt; 2;\n</code></pre>");
        check(
            "| a | b |\n| - | - |\n| 1 | `2` |\n",
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr></thead><tbody><tr><td>1</td><td><code>2</code></td></tr></tbody></table></div>",
        );
    }

    #[test]
    fn no_html_of_a_job_is_on_the_page() {
        check("a <b onclick=\"x()\">c</b> d\n", "<p>a  c  d</p>");
        check("<script>alert(1)</script>\n", " alert(1) \n");
        check("<img src=x\nonerror=alert(1)>\n", "<p> </p>");
        check("a <!-- > b --> c\n", "<p>a   c</p>");
        check("&lt;script&gt; `<i>`\n", "<p>&lt;script&gt; <code>&lt;i&gt;</code></p>");
    }

    #[test]
    fn nothing_is_fetched_and_links_lead_to_the_web_alone() {
        check("![a badge](https://example.org/x.svg)\n", "<p><span class=\"hint\">[image: a badge]</span></p>");
        check("[x](javascript:alert(1)) [y](/logout)\n", "<p>x y</p>");
        check(
            "[z](https://example.org/?a=\"&b)\n",
            "<p><a rel=\"nofollow noopener noreferrer\" href=\"https://example.org/?a=&quot;&amp;b\">z</a></p>",
        );
    }

    #[test]
    fn what_is_deep_or_long_is_cut() {
        let deep = markdown(&">".repeat(5_000)).0.into_string();
        assert!(
            deep.matches("<blockquote>").count() <= MAX_DEPTH
                && deep.matches("<blockquote>").count() == deep.matches("</blockquote>").count()
        );
        let (long, whole) = markdown(&"é ".repeat(MAX_TEXT));
        assert!(!whole && long.into_string().len() <= MAX_TEXT + 20);
    }
}
