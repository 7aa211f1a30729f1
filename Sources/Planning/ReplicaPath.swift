package import Vocabulary

/// Where a copy lies below its volume's root: source, day, and the recorder's own path below its mount prefix.
///
/// Injective for the files of one source, and the source's name leads: identical names of two clusters cannot meet.
/// Every component is printable UTF-8 of at most 255 bytes, so that the catalog can hold the path.
package enum ReplicaPath {
    /// - Parameters:
    ///   - mount: the mount's path below the source's mount prefix, such as `opt/callrec/data/calls`.
    ///   - day: the recording's day folder, `YYYYMMDD`.
    ///   - path: the file's path below the mount.
    package static func original(source: SourceName, mount: FilePath, day: String, path: FilePath) -> FilePath {
        var below = path.components
        // The day leads already; a path that repeats it as its first component says the same with one folder less.
        if below.count > 1, below.first == Array(day.utf8) { below.removeFirst() }
        let whole = joined([Array(source.rawValue.utf8), Array(day.utf8)] + mount.components + below)
        if whole.bytes.count <= pathLimit { return whole }
        // The folders in between give way to their hash; the name stays.
        let folders = "~" + Hex.text(of: StableHash.fnv1a(whole.parent.bytes))
        return joined([Array(source.rawValue.utf8), Array(day.utf8), Array(folders.utf8), path.lastComponent])
    }

    /// The muxed file of a pair: derived from the pair alone, so that every worker means the same name. Of many screens
    /// it has the first, their number and a hash of all.
    package static func muxed(recording: RecordingReference, day: String, sound: Int64, screens: [Int64]) -> FilePath {
        let all = screens.map(String.init).joined(separator: "-")
        let hash = StableHash.fnv1a(all.utf8)
        let name = screens.count <= mostNamedScreens ? all : "\(screens[0])-\(screens.count)-\(hash)"
        return joined([
            Array(recording.source.rawValue.utf8), Array(day.utf8), Array("muxed".utf8),
            Array("\(recording.id)-\(sound)-\(name).mp4".utf8),
        ])
    }

    private static let mostNamedScreens = 8

    /// Whether a path is one that ``muxed(recording:day:sound:screens:)`` makes, below whatever root.
    package static func isMuxed(_ path: FilePath) -> Bool {
        let components = path.components
        guard components.count > 1, components[components.count - 2] == Array("muxed".utf8),
            components[components.count - 1].suffix(4).elementsEqual(".mp4".utf8)
        else { return false }
        let numbers = components[components.count - 1].dropLast(4).split(
            separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return numbers.count >= 3 && numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
    }

    /// The name to take when the first is held by other content, which is never overwritten.
    package static func aside(_ path: FilePath, mark: String) -> FilePath {
        var name = path.lastComponent
        let dot = name.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
        name.insert(contentsOf: Array("~\(mark)".utf8), at: dot == name.startIndex ? name.endIndex : dot)
        return path.parent.appending(shortened(name))
    }

    private static func joined(_ components: [[UInt8]]) -> FilePath {
        FilePath(bytes: Array(components.map { shortened(escaped($0)) }.joined(separator: [UInt8(ascii: "/")])))
    }

    /// Percent-escapes what is not UTF-8, control characters, `%` itself, and a leading dot: names of our own begin so.
    static func escaped(_ component: [UInt8]) -> [UInt8] {
        let isText = String(validating: component, as: UTF8.self) != nil
        var result: [UInt8] = []
        for (index, byte) in component.enumerated() {
            let mustEscape =
                byte < 32 || byte == 127 || byte == UInt8(ascii: "%") || (byte >= 128 && !isText)
                || (index == 0 && byte == UInt8(ascii: "."))
            if mustEscape {
                result += Array("%".utf8) + Array(Hex.text(of: [byte]).utf8)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// Cuts a name that file systems would refuse; the hash of the whole keeps different names different.
    static func shortened(_ component: [UInt8]) -> [UInt8] {
        guard component.count > nameLimit else { return component }
        let mark = Array("~\(Hex.text(of: StableHash.fnv1a(component)))".utf8)
        let dot = component.lastIndex(of: UInt8(ascii: ".")) ?? component.endIndex
        let ending = component.count - dot <= 16 ? Array(component[dot...]) : []
        var head = Array(component.prefix(nameLimit - mark.count - ending.count))
        while String(validating: head, as: UTF8.self) == nil, !head.isEmpty { head.removeLast() }
        return head + mark + ending
    }

    private static let nameLimit = 240
    /// A catalog's path has 1024 characters, and the volume's own path stands before this one.
    private static let pathLimit = 700
}

/// A hash that is the same in every process and version, unlike `Hasher`'s.
package enum StableHash {
    /// FNV-1a, 64 bit.
    package static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
