internal import Delivery
internal import Ledger
internal import Postgres
internal import Vocabulary

/// Tells of rows whose files stay away: one by one while they are few, as one problem of the mount where they are many, as
/// then they have one cause.
struct MissingFiles: Sendable {
    let source: SourceName
    let mount: MountPath
    let replay: Replay
    let problems: ProblemBook
    /// Whether the problem of the mount may stand open, also from an earlier process.
    private var mayStandOpen = true
    private var told: String?

    /// More are told of together, until they are fewer than the other.
    static let oneByOne = 20
    static let fewAgain = 10

    init(source: SourceName, mount: MountPath, replay: Replay, problems: ProblemBook) {
        self.source = source
        self.mount = mount
        self.replay = replay
        self.problems = problems
    }

    /// On a mount that was proven.
    mutating func tell(longerThan grace: Duration) async throws {
        let name = mount
        let missing = try await replay.database.perform { session in
            try Transfers.missing(mount: name, longerThan: grace, limit: MissingFiles.oneByOne, in: session)
        }
        let isFull = missing.count == MissingFiles.oneByOne
        if isFull || mayStandOpen {
            let count = try await replay.database.perform { session in
                try Transfers.missingCount(mount: name, longerThan: grace, in: session)
            }
            if count.files > (told == nil ? MissingFiles.oneByOne : MissingFiles.fewAgain) {
                return try await tellTogether(count, missing)
            }
            try await problems.close(.missingFile, subject: subject, place: source.rawValue)
            (mayStandOpen, told) = (false, nil)
        }
        for transfer in missing {
            try await problems.open(
                ProblemBook.Finding(
                    .missingFile, recording: transfer.recording, media: transfer.mediaID,
                    what: "The file of media \(transfer.mediaID) of \(transfer.recording) is not on mount \(mount)."))
        }
    }

    private var subject: String { "mount \(mount)" }

    private mutating func tellTogether(_ count: Transfers.MissingCount, _ first: [Transfer]) async throws {
        mayStandOpen = true
        let examples = first.prefix(3).map { "media \($0.mediaID) of \($0.recording)" }.joined(separator: ", ")
        let since =
            count.first.map { " since \(WallTime(microseconds: $0.microseconds).secondsText(separator: " ")) UTC" }
            ?? ""
        let what =
            "\(count.files) files that rows name are not on mount \(mount), the first\(since), such as \(examples)."
            + " `takeup files --missing` lists them."
        if what == told { return }
        try await problems.open(
            ProblemBook.Finding(.missingFile, subject: subject, place: source.rawValue, what: what))
        told = what
    }
}
