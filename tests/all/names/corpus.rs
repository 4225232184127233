//! Two hundred names in more than thirty scripts, composed and decomposed, with what emoji and right-to-left scripts need.

use euterpe_actors::ids::{decomposed_form, normal_form};

/// Three words of each script.
const WORDS: &[(&str, [&str; 3])] = &[
    ("Latin", ["Café Über", "naïve Señor", "Łódź"]),
    ("Vietnamese", ["Đường về", "Chuyện tình", "Hồng hạc"]),
    ("Cyrillic", ["Чайковский", "Ёлка", "Їжак"]),
    ("Greek", ["Άνοιξη", "Θάλασσα", "ὕμνος"]),
    ("Armenian", ["Կոմիտաս", "երգ", "Արև"]),
    ("Georgian", ["სიმღერა", "მრავალჟამიერი", "თბილისი"]),
    ("Hebrew", ["שָׁלוֹם", "שיר השירים", "בּוֹקֶר"]),
    ("Arabic", ["آهنگ", "أغنية", "مؤمن"]),
    ("Persian", ["می\u{200C}خواهم", "نامه\u{200C}ای", "نامهای"]),
    ("Urdu", ["غزلِ شب", "رقصِ بسمل", "گیت"]),
    ("Syriac", ["ܡܙܡܘܪܐ", "ܫܠܡܐ", "ܙܡܝܪܬܐ"]),
    ("Thaana", ["ލަވަ", "ދިވެހި", "މިއުޒިކު"]),
    ("NKo", ["ߒߞߏ", "ߘߐ߲ߞߟߌ", "ߝߏߟߌ"]),
    ("Devanagari", ["क्\u{200D}षण", "गीत", "ख़याल"]),
    ("Bengali", ["গোধূলি", "রবীন্দ্রসঙ্গীত", "ভোর"]),
    ("Gurmukhi", ["ਸ਼ਬਦ", "ਗ਼ਜ਼ਲ", "ਰਾਗ"]),
    ("Gujarati", ["ગરબો", "ગીત", "ભજન"]),
    ("Odia", ["ଗୀତଗୋବିନ୍ଦ", "ଭଜନ", "ଓଡ଼ିଶୀ"]),
    ("Tamil", ["கொண்டாட்டம்", "இசை", "போற்றி"]),
    ("Telugu", ["కీర్తన", "పాట", "రాగం"]),
    ("Kannada", ["ಹೊಸ ಹಾಡು", "ರಾಗ", "ಕೋಗಿಲೆ"]),
    ("Malayalam", ["കൊടിയേറ്റം", "പാട്ട്", "കോവിലൻ"]),
    ("Sinhala", ["ශ්\u{200D}රී", "ගීතය", "කොළඹ"]),
    ("Thai", ["เพลงรัก", "น้ำตา", "ดวงจันทร์"]),
    ("Lao", ["ເພງລາວ", "ດວງຈຳປາ", "ລຳ"]),
    ("Tibetan", ["གླུ་གཞས", "བོད་ཀྱི", "རྡོ་རྗེ"]),
    ("Burmese", ["သီချင်း", "ဦးလေး", "ချစ်"]),
    ("Khmer", ["ចម្រៀង", "ស្នេហ៍", "រាត្រី"]),
    ("Ethiopic", ["ሙዚቃ", "ትዝታ", "እሹሩሩ"]),
    ("Cherokee", ["ᏣᎳᎩ", "ꭰꮒꮝꮖ", "ᎤᏁᎳᏅᎯ"]),
    ("Mongolian", ["ᠮᠣᠩᠭᠣᠯ", "ᠳᠠᠭᠤᠤ", "ᠰᠠ\u{180B}"]),
    ("Hangul", ["한국의 노래", "아리랑", "봄날"]),
    ("Kana", ["がんばれ ポニョ", "さくら", "バラード"]),
    ("Han", ["冬のライオン", "茉莉花", "葛\u{E0100}城"]),
    ("Tifinagh", ["ⴰⵎⴰⵣⵉⵖ", "ⵜⴰⵏⴰⵎⵓⵔⵜ", "ⵉⵣⵍⵉ"]),
    ("Gothic", ["𐌲𐌿𐍄𐌹𐍃𐌺", "𐍃𐌰𐌲𐌲𐍅𐍃", "𐌻𐌹𐌿𐌸"]),
];

/// Names that are none of one script.
const SIGNS: &[&str] = &[
    "I \u{2764}\u{FE0F} you",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
    "1\u{FE0F}\u{20E3} first",
    "\u{200F}שלום עולם\u{200E}",
    "T",
    "t",
    "Ⅷ ½",
    "“quoted” – it’s…",
];

/// The names as they lie in a folder: each word composed, and again with a number behind it and decomposed.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = SIGNS.iter().map(|name| (*name).to_owned()).collect();
    for (script, words) in WORDS {
        for word in words {
            names.push(normal_form(word).into_owned());
            names.push(decomposed_form(&format!("{script}/{word} 2")).into_owned());
        }
    }
    names
}
