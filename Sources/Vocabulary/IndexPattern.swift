/// Where a recorder keeps the index file of a sound file: no row names it.
///
/// A path with `{name}` (the sound's file name), `{stem}` (the same without its last ending) and `{day}` (`YYYYMMDD` of the
/// recording's start by the recorder's clock). Relative: from the sound's directory. Absolute: a path of the recorder's own.
package struct IndexPattern: Hashable, Sendable {
    package let text: String
    /// Components of parts.
    private let components: [[Part]]
    package let isAbsolute: Bool

    private enum Part: Hashable {
        case literal([UInt8])
        case name, stem, day
    }

    package enum Fault: String, Error {
        case empty = "is empty"
        case controlCharacter = "holds a control character"
        case climbs = "holds \"..\""
        case unknownPlace = "has braces around something else than name, stem or day"
        case oneForAll = "names one file for all sounds: it needs {stem} or {name}"
        case soundItself = "names the sound itself"
    }

    package init(_ text: String) throws(Fault) {
        if text.allSatisfy(\.isWhitespace) { throw .empty }
        if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) { throw .controlCharacter }
        let path = FilePath(text)
        if path.climbs { throw .climbs }
        var components: [[Part]] = []
        for component in path.components { components.append(try IndexPattern.parts(of: component)) }
        guard let last = components.last, components.joined().contains(where: { $0 == .name || $0 == .stem }) else {
            throw .oneForAll
        }
        isAbsolute = path.isAbsolute
        if !isAbsolute && components.count == 1 && last == [.name] { throw .soundItself }
        self.text = text
        self.components = components
    }

    private static func parts(of component: [UInt8]) throws(Fault) -> [Part] {
        var parts: [Part] = []
        var rest = component[...]
        while !rest.isEmpty {
            let open = rest.firstIndex(of: UInt8(ascii: "{")) ?? rest.endIndex
            if rest[..<open].contains(UInt8(ascii: "}")) { throw .unknownPlace }
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open]))) }
            rest = rest[open...].dropFirst()
            if open == component.endIndex { break }
            guard let close = rest.firstIndex(of: UInt8(ascii: "}")) else { throw .unknownPlace }
            switch String(decoding: rest[..<close], as: UTF8.self) {
            case "name": parts.append(.name)
            case "stem": parts.append(.stem)
            case "day": parts.append(.day)
            default: throw .unknownPlace
            }
            rest = rest[close...].dropFirst()
        }
        return parts
    }

    /// The recorder's path of the index file of a sound file, should there be one. Nil where that is no path to follow, or
    /// the sound itself.
    /// - Parameter day: `YYYYMMDD`.
    package func path(of sound: FilePath, day: String) -> FilePath? {
        let name = sound.lastComponent
        let dot = name.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
        let stem = dot == name.startIndex ? name : Array(name[..<dot])
        var path = isAbsolute ? FilePath("/") : sound.parent
        for component in components {
            path = path.appending(
                component.flatMap { part in
                    switch part {
                    case .literal(let bytes): bytes
                    case .name: name
                    case .stem: stem
                    case .day: Array(day.utf8)
                    }
                })
        }
        return path.climbs || path.components == sound.components ? nil : path
    }

    /// Whether a recorder's path can be that of an index file by this rule.
    package func mayName(_ path: FilePath) -> Bool {
        let names = path.components
        guard isAbsolute ? names.count == components.count : names.count >= components.count else { return false }
        return zip(names.suffix(components.count), components).allSatisfy { name, parts in
            IndexPattern.matches(name[...], parts[...])
        }
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ parts: ArraySlice<Part>) -> Bool {
        guard let first = parts.first else { return name.isEmpty }
        let rest = parts.dropFirst()
        switch first {
        case .literal(let bytes): return name.starts(with: bytes) && matches(name.dropFirst(bytes.count), rest)
        case .day:
            let isDay = name.count >= 8 && name.prefix(8).allSatisfy { (48...57).contains($0) }
            return isDay && matches(name.dropFirst(8), rest)
        case .name, .stem:
            return !name.isEmpty && (1...name.count).contains { matches(name.dropFirst($0), rest) }
        }
    }

    /// The directory that every path by this rule lies in, as far as it is the same for all; nil for a relative rule.
    package var fixedDirectory: FilePath? {
        guard isAbsolute else { return nil }
        var fixed = FilePath("/")
        for component in components.dropLast() {
            guard component.count == 1, case .literal(let bytes) = component[0] else { break }
            fixed = fixed.appending(bytes)
        }
        return fixed
    }
}
