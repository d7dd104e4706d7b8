//! Classes of characters: Perl's, POSIX's and Unicode's, as Go knows them.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use crate::functions::runes::class_of;

/// A class of Go's own syntax: its ranges, and whether all but those are meant.
pub struct Named {
    ranges: &'static [(char, char)],
    negated: bool,
}

const DIGIT: &[(char, char)] = &[('0', '9')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// `\d` and the like, by the letter.
pub fn perl(letter: u8) -> Option<Named> {
    let ranges = match letter.to_ascii_lowercase() {
        b'd' => DIGIT,
        b's' => SPACE,
        b'w' => WORD,
        _ => return None,
    };
    Some(Named { ranges, negated: letter.is_ascii_uppercase() })
}

/// `[:alpha:]` and the like, by what stands between the colons.
pub fn posix(name: &[u8]) -> Option<Named> {
    let (name, negated) = match name.strip_prefix(b"^") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ranges: &[(char, char)] = match name {
        b"alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        b"alpha" => &[('A', 'Z'), ('a', 'z')],
        b"ascii" => &[('\0', '\x7f')],
        b"blank" => &[('\t', '\t'), (' ', ' ')],
        b"cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        b"digit" => DIGIT,
        b"graph" => &[('!', '~')],
        b"lower" => &[('a', 'z')],
        b"print" => &[(' ', '~')],
        b"punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        b"space" => &[('\t', '\r'), (' ', ' ')],
        b"upper" => &[('A', 'Z')],
        b"word" => WORD,
        b"xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(Named { ranges, negated })
}

impl Named {
    /// The class; case is folded before it is negated.
    pub fn class(&self, fold: bool) -> ClassUnicode {
        let class = ClassUnicode::new(self.ranges.iter().map(|(first, last)| ClassUnicodeRange::new(*first, *last)));
        finished(class, fold, self.negated)
    }
}

/// A class with the case of its letters folded, and all else than that where it is negated.
pub fn finished(mut class: ClassUnicode, fold: bool, negated: bool) -> ClassUnicode {
    if fold {
        class.case_fold_simple();
    }
    if negated {
        class.negate();
    }
    class
}

/// `\p{Greek}` and the like, by what stands in the braces.
pub fn unicode(name: &str, fold: bool, negated: bool) -> Option<ClassUnicode> {
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, !negated),
        None => (name, negated),
    };
    let canonical = canonical(name);
    let class = match canonical.as_str() {
        "Any" => class_of(r"[\x{0}-\x{10FFFF}]")?,
        "Ascii" => class_of(r"[\x00-\x7F]")?,
        "Assigned" => return Some(finished(unassigned()?, false, !negated)),
        "Cn" | "Unassigned" => unassigned()?,
        "C" | "Other" => {
            let mut class = class_of(r"[\p{Cc}\p{Cf}\p{Co}]")?;
            class.union(&unassigned()?);
            class
        }
        // half characters, which no text has
        "Cs" | "Surrogate" => ClassUnicode::empty(),
        other => {
            let known = if is_category(other) { other } else { SCRIPTS.split(' ').find(|script| *script == other || *script == name)? };
            class_of(&format!(r"[\p{{{known}}}&&\p{{age:15.0}}]")).unwrap_or_else(ClassUnicode::empty)
        }
    };
    Some(finished(class, fold, negated))
}

/// What Unicode 15.0 has not assigned.
fn unassigned() -> Option<ClassUnicode> {
    class_of(r"[\p{Cn}[^\p{age:15.0}]]").map(|mut class| {
        class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\u{e000}', '\u{f8ff}')]));
        class
    })
}

/// Go's way to look a name up: one capital, then small letters, nothing between words.
fn canonical(name: &str) -> String {
    let mut letters = name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' '));
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect()
}

fn is_category(name: &str) -> bool {
    const SHORT: &str = "Cc Cf Co L Lc Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";
    const LONG: &str = "Casedletter Closepunctuation Combiningmark Connectorpunctuation Control Currencysymbol Dashpunctuation \
         Decimalnumber Enclosingmark Finalpunctuation Format Initialpunctuation Letter Letternumber Lineseparator Lowercaseletter \
         Mark Mathsymbol Modifierletter Modifiersymbol Nonspacingmark Number Openpunctuation Otherletter Othernumber \
         Otherpunctuation Othersymbol Paragraphseparator Privateuse Punctuation Separator Spaceseparator Spacingmark Symbol \
         Titlecaseletter Uppercaseletter Cntrl Digit Punct";
    SHORT.split(' ').chain(LONG.split(' ')).any(|category| category == name)
}

/// The scripts of Unicode 15.0. Go 1.25 finds no more those with more than one word in their name; earlier ones did, and so does this.
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo \
     Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common \
     Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs \
     Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul \
     Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian \
     Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha \
     Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi \
     Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar \
     Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian \
     Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage \
     Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra \
     Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog \
     Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic \
     Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";
