/// Texts compared as databases do: by their bytes.
///
/// Swift takes two texts for equal that differ only in how an accent is written (`é` as one scalar or as two), and in a
/// database these are two keys.
enum ByteOrder {
    static func areSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

    static func precedes(_ one: String, _ other: String) -> Bool { one.utf8.lexicographicallyPrecedes(other.utf8) }

    static func hash(_ text: String, into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // No byte of UTF-8: where one text ends and the next begins.
        hasher.combine(UInt8(0xff))
    }
}
