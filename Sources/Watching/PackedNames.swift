internal import Glibc

/// Names, one behind the other: a listing of a million files is some tens of megabytes instead of a million arrays.
struct PackedNames: Hashable, Sendable {
    private var bytes: [UInt8] = []
    /// Where each name ends.
    private var ends: [Int] = []

    var count: Int { ends.count }
    var isEmpty: Bool { ends.isEmpty }

    mutating func append(_ name: [UInt8]) { name.withUnsafeBytes { append($0) } }

    mutating func append(_ name: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
    }

    subscript(index: Int) -> [UInt8] { Array(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]) }
}

/// Which names of a directory are known, as 64-bit hashes: 8 bytes a name or a little more. Two names that meet in one
/// hash cost a hint, one in about 10^13 for a directory of a million.
struct SeenNames: Hashable, Sendable {
    private var hashes: Set<Int> = []

    var count: Int { hashes.count }

    /// Whether the name was not known.
    @discardableResult
    mutating func insert(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { insert($0) } }

    /// Whether the name was not known.
    @discardableResult
    mutating func insert(_ name: UnsafeRawBufferPointer) -> Bool {
        hashes.insert(SeenNames.hash(of: name)).inserted
    }

    mutating func remove(_ name: [UInt8]) {
        if !hashes.isEmpty { hashes.remove(name.withUnsafeBytes { SeenNames.hash(of: $0) }) }
    }

    mutating func subtract(_ others: SeenNames) { hashes.subtract(others.hashes) }

    func contains(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { contains($0) } }

    func contains(_ name: UnsafeRawBufferPointer) -> Bool { hashes.contains(SeenNames.hash(of: name)) }

    private static func hash(of name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize()
    }
}
