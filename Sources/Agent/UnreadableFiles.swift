internal import Delivery
internal import Ledger
internal import Postgres
internal import Vocabulary

/// Tells of files that are there and that their mount does not give: one by one while they are few, as one problem of the
/// mount where they are more, as then it is their disk.
struct UnreadableFiles: Sendable {
    let source: SourceName
    let mount: MountPath
    let replay: Replay
    let problems: ProblemBook
    /// Whether the problem of the mount may stand open, also from an earlier process.
    private var mayStandOpen = true
    private var told: String?

    /// Failed attempts that a person is told after.
    static let patience = 3
    /// Those of single files that are closed at a time.
    private static let limit = 100

    init(source: SourceName, mount: MountPath, replay: Replay, problems: ProblemBook) {
        self.source = source
        self.mount = mount
        self.replay = replay
        self.problems = problems
    }

    /// On a mount that was proven.
    mutating func tell() async throws {
        let name = mount
        let (first, count) = try await replay.database.perform { session in
            (
                try Transfers.unreadable(
                    mount: name, failures: UnreadableFiles.patience, limit: UnreadableFiles.limit, in: session),
                try Transfers.unreadableCount(mount: name, failures: UnreadableFiles.patience, in: session)
            )
        }
        if count.files > (told == nil ? Transfers.unreadableOneByOne : 0) {
            return try await tellTogether(count, first)
        }
        if mayStandOpen {
            try await problems.close(.unreadableFile, subject: subject, place: source.rawValue)
            (mayStandOpen, told) = (false, nil)
        }
        for transfer in first {
            try await problems.open(
                ProblemBook.Finding(
                    .unreadableFile, recording: transfer.recording, media: transfer.mediaID,
                    what:
                        "Media \(transfer.mediaID) of \(transfer.recording) cannot be read, \(transfer.failures) times by"
                        + " now: \(transfer.lastError ?? "nobody knows why")."))
        }
    }

    private var subject: String { "mount \(mount)" }

    private mutating func tellTogether(_ count: Transfers.MissingCount, _ first: [Transfer]) async throws {
        let isNew = told == nil
        mayStandOpen = true
        let examples = first.prefix(3).map { "media \($0.mediaID) of \($0.recording)" }.joined(separator: ", ")
        let since =
            count.first.map { " since \(WallTime(microseconds: $0.microseconds).secondsText(separator: " ")) UTC" }
            ?? ""
        let why = first.first?.lastError.map { ": \($0)" } ?? ""
        let what =
            "\(count.files) \(count.files == 1 ? "file" : "files") of mount \(mount) cannot be read, the first\(since), such as"
            + " \(examples)\(why)."
        if what == told { return }
        try await problems.open(
            ProblemBook.Finding(.unreadableFile, subject: subject, place: source.rawValue, what: what))
        told = what
        guard isNew else { return }
        // Those that were told of before the others came.
        try await problems.close(
            [.unreadableFile], subjects: first.map { ProblemBook.Finding.subject($0.recording, media: $0.mediaID) },
            place: source.rawValue)
    }
}
