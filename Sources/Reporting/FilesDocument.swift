internal import Ledger
internal import Vocabulary

/// Listed files as programs read them: JSON, by the rules of ``StatusDocument``.
///
/// A path is text: bytes that are not UTF-8 stand as `\xNN`.
package struct FilesDocument: Sendable {
    package static let version = 1
    private let look: FilesLook

    package init(_ look: FilesLook) { self.look = look }

    package var text: String {
        JSONText.object([
            ("version", .integer(FilesDocument.version)), ("what", .string(look.what.rawValue)),
            ("at", .string(look.at.text)), ("grace_s", .real(look.grace.inSeconds)),
            ("mounts", .list(look.mounts.map(mount))),
        ]).text() + "\n"
    }

    private func mount(_ mount: FilesLook.Mount) -> JSONText {
        let files: [JSONText]
        var late: [(String, JSONText)] = []
        switch look.what {
        case .missing:
            files = mount.missing.map(missing)
            late = [("beyond_grace", .integer(mount.late))]
        case .orphans: files = mount.orphans.map(orphan)
        }
        return .object(
            [
                ("path", .string(mount.path.rawValue)), ("source", .string(mount.source.rawValue)),
                ("files", .integer(mount.total)),
            ] + late + [("not_listed", .integer(mount.rest)), ("listed", .list(files))])
    }

    private func missing(_ file: FilesLook.Missing) -> JSONText {
        .object([
            ("recording", .string(file.recording.description)), ("media", .integer(file.media)),
            ("kind", .string(file.kind.rawValue)), ("path", .string(file.path.displayText)),
            ("since", .string((look.at + (.zero - file.age)).text)),
        ])
    }

    private func orphan(_ file: OrphanFile) -> JSONText {
        .object([
            ("path", .string(file.path.displayText)), ("bytes", .integer(file.size)),
            ("changed", .string(file.modified.text)), ("since", .string((look.at + (.zero - file.age)).text)),
        ])
    }
}
