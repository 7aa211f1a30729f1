/// A path as the kernel has it: bytes, of which only zero is impossible. Names on recorders need not be UTF-8.
package struct FilePath: Hashable, Comparable, Sendable {
    package let bytes: [UInt8]

    /// Invariant: holds no zero byte. What stands behind a zero byte is cut.
    package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes.prefix { $0 != 0 }) }
    package init(bytes: [UInt8]) { self.bytes = bytes.contains(0) ? Array(bytes.prefix { $0 != 0 }) : bytes }
    package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

    package static func < (one: FilePath, other: FilePath) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }

    package var isAbsolute: Bool { bytes.first == slash }
    package var isEmpty: Bool { bytes.isEmpty }

    /// The names between the slashes; empty ones and `.` left out, `..` kept.
    package var components: [[UInt8]] {
        bytes.split(separator: slash).map(Array.init).filter { $0 != [dot] }
    }

    package var lastComponent: [UInt8] { components.last ?? [] }

    /// The directory that holds this; empty for a path of one component.
    package var parent: FilePath {
        guard let cut = bytes.lastIndex(of: slash) else { return FilePath(bytes: []) }
        return FilePath(bytes: cut == 0 ? [slash] : Array(bytes[..<cut]))
    }

    package func appending(_ component: [UInt8]) -> FilePath {
        if bytes.isEmpty { return FilePath(bytes: component) }
        return FilePath(bytes: bytes.last == slash ? bytes + component : bytes + [slash] + component)
    }
    package func appending(_ text: String) -> FilePath { appending(Array(text.utf8)) }

    /// What is left below `prefix`, where this lies below it; whole components only.
    package func relative(to prefix: FilePath) -> FilePath? {
        let own = components
        let others = prefix.components
        guard own.count > others.count, Array(own.prefix(others.count)) == others else { return nil }
        return FilePath(bytes: Array(own.dropFirst(others.count).joined(separator: [slash])))
    }

    /// Whether a component is `..`, which no path of a recorder has a reason to hold.
    package var climbs: Bool { components.contains([dot, dot]) }

    /// The path as text for people: bytes that are not UTF-8, and control characters, as `\xNN`.
    package var displayText: String {
        var text = ""
        var decoder = UTF8()
        var rest = bytes[...]
        while let first = rest.first {
            var reading = rest.makeIterator()
            guard case .scalarValue(let scalar) = decoder.decode(&reading),
                scalar.properties.generalCategory != .control
            else {
                text += "\\x" + Hex.text(of: [first])
                rest = rest.dropFirst()
                decoder = UTF8()
                continue
            }
            text.unicodeScalars.append(scalar)
            rest = rest.dropFirst(UTF8.width(scalar))
            decoder = UTF8()
        }
        return text
    }

    /// The path as text, where its bytes are UTF-8.
    package var utf8Text: String? { String(validating: bytes, as: UTF8.self) }
}

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")
