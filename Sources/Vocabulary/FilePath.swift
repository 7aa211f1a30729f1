/// A path as the kernel has it: bytes, of which only zero is impossible. Names on recorders need not be UTF-8.
package struct FilePath: Hashable, Comparable, Sendable {
    package let bytes: [UInt8]

    /// Invariant: holds no zero byte. What stands behind a zero byte is cut.
    package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes.prefix { $0 != 0 }) }
    package init(bytes: [UInt8]) { self.bytes = bytes.contains(0) ? Array(bytes.prefix { $0 != 0 }) : bytes }
    package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

    /// All bytes at once, where an array would hash one by one.
    package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    package static func < (one: FilePath, other: FilePath) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }

    package var isAbsolute: Bool { bytes.first == slash }
    package var isEmpty: Bool { bytes.isEmpty }

    /// The names between the slashes; empty ones and `.` left out, `..` kept.
    package var components: [[UInt8]] {
        var components: [[UInt8]] = []
        var place = 0
        while let next = component(from: &place) { components.append(Array(bytes[next])) }
        return components
    }

    package var lastComponent: [UInt8] {
        var last: Range<Int>?
        var place = 0
        while let next = component(from: &place) { last = next }
        return last.map { Array(bytes[$0]) } ?? []
    }

    /// The component at `place` or behind it, which moves to its end; nil where there is none.
    private func component(from place: inout Int) -> Range<Int>? {
        while place < bytes.count {
            if bytes[place] == slash {
                place += 1
                continue
            }
            let start = place
            while place < bytes.count && bytes[place] != slash { place += 1 }
            if place - start > 1 || bytes[start] != dot { return start..<place }
        }
        return nil
    }

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
        var place = 0
        var other = 0
        while let theirs = prefix.component(from: &other) {
            guard let own = component(from: &place), bytes[own] == prefix.bytes[theirs] else { return nil }
        }
        var left: [UInt8] = []
        left.reserveCapacity(bytes.count - place)
        while let own = component(from: &place) {
            if !left.isEmpty { left.append(slash) }
            left += bytes[own]
        }
        return left.isEmpty ? nil : FilePath(bytes: left)
    }

    /// Whether a component is `..`, which no path of a recorder has a reason to hold.
    package var climbs: Bool {
        var place = 0
        while let next = component(from: &place) {
            if next.count == 2 && bytes[next.lowerBound] == dot && bytes[next.lowerBound + 1] == dot { return true }
        }
        return false
    }

    /// The path as text for people: bytes that are not UTF-8, and control characters, as `\xNN`.
    package var displayText: String {
        // Most are plain, and a busy agent tells of each copy.
        if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return String(decoding: bytes, as: UTF8.self) }
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
