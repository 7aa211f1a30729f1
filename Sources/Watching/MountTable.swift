internal import Vocabulary

/// One line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
struct MountTableLine: Hashable, Sendable {
    let id: UInt64
    let deviceMajor: UInt32
    let deviceMinor: UInt32
    let root: String
    let point: FilePath
    let type: String
    let source: String

    /// Nil where the line is not of the form that the manual gives.
    init?(_ line: some Collection<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }), dash >= 6, fields.count > dash + 2,
            let id = UInt64(text(fields[0]))
        else { return nil }
        let device = text(fields[2]).split(separator: ":")
        guard device.count == 2, let major = UInt32(device[0]), let minor = UInt32(device[1]) else { return nil }
        self.id = id
        deviceMajor = major
        deviceMinor = minor
        root = text(unescaped(fields[3]))
        point = FilePath(bytes: unescaped(fields[4]))
        type = text(fields[dash + 1])
        source = text(unescaped(fields[dash + 2]))
    }
}

/// The mount that a directory lies on: by mount id where the kernel tells it, else the innermost point that holds the
/// path, the later line first because it covers the earlier one.
func mountTableLine(in table: [UInt8], mountID: UInt64, path: FilePath) -> MountTableLine? {
    let lines = table.split(separator: UInt8(ascii: "\n")).compactMap { MountTableLine($0) }
    if mountID != 0, let line = lines.first(where: { $0.id == mountID }) { return line }
    // `max` keeps the first of equals, and a later line covers an earlier one.
    return lines.reversed().filter { line in
        line.point.components == path.components || path.relative(to: line.point) != nil
    }.max { $0.point.components.count < $1.point.components.count }
}

/// What is mounted on the very path: the last line covers those before it.
func mountTableLine(in table: [UInt8], at path: FilePath) -> MountTableLine? {
    table.split(separator: UInt8(ascii: "\n")).reversed().lazy.compactMap { MountTableLine($0) }
        .first { $0.point.components == path.components }
}

private func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

/// Blanks, tabs, newlines and backslashes stand as three octal digits behind a backslash.
private func unescaped(_ field: some Collection<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(field)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
            bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 48) }))
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return bytes
}
