/// PostgreSQL's text form of arrays: `{a,"b \"c\"",NULL}` (documentation, 8.15.6).
enum ArrayText {
    /// The elements of a one-dimensional array; nil where the text is none.
    static func elements(of text: [UInt8]) -> [[UInt8]?]? {
        guard text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") else { return nil }
        let inner = text.dropFirst().dropLast()
        if inner.isEmpty { return [] }
        var elements: [[UInt8]?] = []
        var index = inner.startIndex
        while true {
            guard let (element, end) = element(of: inner, from: index) else { return nil }
            elements.append(element)
            if end == inner.endIndex { return elements }
            guard inner[end] == UInt8(ascii: ",") else { return nil }
            index = end + 1
        }
    }

    /// One element and where it ends; nil where there is none.
    private static func element(of text: ArraySlice<UInt8>, from start: Int) -> ([UInt8]?, Int)? {
        var bytes: [UInt8] = []
        var index = start
        let isQuoted = index < text.endIndex && text[index] == UInt8(ascii: "\"")
        if isQuoted { index += 1 }
        while index < text.endIndex {
            switch text[index] {
            case UInt8(ascii: "\\"):
                index += 1
                guard index < text.endIndex else { return nil }
                bytes.append(text[index])
            case UInt8(ascii: "\"") where isQuoted: return (bytes, index + 1)
            case UInt8(ascii: ",") where !isQuoted: return unquoted(bytes, index)
            case UInt8(ascii: "{") where !isQuoted: return nil
            default: bytes.append(text[index])
            }
            index += 1
        }
        return isQuoted ? nil : unquoted(bytes, index)
    }

    private static func unquoted(_ bytes: [UInt8], _ end: Int) -> ([UInt8]?, Int)? {
        if bytes.isEmpty { return nil }
        return bytes.elementsEqual("NULL".utf8) ? (nil, end) : (bytes, end)
    }
}
