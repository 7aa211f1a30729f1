internal import Ledger
internal import Planning
internal import Vocabulary

/// Recordings without a screen to mux as programs read them: JSON, by the rules of ``StatusDocument``.
package struct ScreensDocument: Sendable {
    package static let version = 1
    private let look: ScreensLook

    package init(_ look: ScreensLook) { self.look = look }

    package var text: String {
        let counts = WaitingScreen.State.allCases.map { ($0.rawValue, JSONText.integer(look.counts[$0] ?? 0)) }
        return JSONText.object([
            ("version", .integer(ScreensDocument.version)), ("at", .string(look.at.text)), ("counts", .object(counts)),
            ("not_listed", .integer(look.total - look.listed.count)), ("listed", .list(look.listed.map(wait))),
            ("not_muxable", .integer(look.notMuxable)),
            (
                "listed_not_muxable",
                .list(look.listedNotMuxable.map { .string($0.recording.description) })
            ),
            ("with_notes", .integer(look.noted)),
            (
                "listed_with_notes",
                .list(
                    look.listedNoted.map { noted in
                        .object([
                            ("recording", .string(noted.recording.description)), ("notes", .string(noted.notes)),
                            ("lacks_screens", .boolean(noted.lacksScreens)),
                        ])
                    })
            ),
            ("failing", .integer(look.failing)), ("listed_failing", .list(look.listedFailing.map(failing))),
        ]).text() + "\n"
    }

    private func failing(_ call: SiteBacklog.Failing) -> JSONText {
        .object([
            ("call", .string("\(call.site)/\(call.call.rawValue)")),
            ("began", call.start.map { .string($0.text) } ?? .null),
            ("attempts", .integer(call.failures)),
            ("next_look", call.notBefore.map { .string($0.text) } ?? .null), ("why", .string(call.error)),
        ])
    }

    private func wait(_ wait: WaitingScreen) -> JSONText {
        .object([
            ("recording", .string("\(wait.key.source)/\(wait.key.reference)")),
            ("site", .string(wait.key.site.rawValue)),
            ("state", .string(wait.state.rawValue)), ("announced_by", .string(wait.announcement.rawValue)),
            ("since", .string(wait.since.text)), ("looks", .integer(wait.looks)),
            ("next_look", wait.state == .waiting ? .string(wait.notBefore.text) : .null),
        ])
    }
}
