internal import Delivery
internal import Ledger
internal import Planning
internal import Vocabulary

/// Closed days that get no manifest, as something is still on its way to them: told once that has lasted.
struct UnsealedDays: Sendable {
    let problems: ProblemBook
    /// From the end of a day to its manifest.
    let closeAfter: Duration

    /// From when a manifest could be written at the earliest.
    static let patience = Duration.seconds(7 * 86_400)
    /// More have one cause, and are one problem.
    private static let most = 20
    private static let prefix = "day "

    /// - Parameter due: directories that wait for a manifest, whatever they wait for.
    func tell(_ due: [FilePath], _ busy: [FilePath: Manifests.Busy], at now: Instant) async throws {
        let late = due.filter { day in
            busy[day] != nil
                && ClosedDay.isOver(
                    String(decoding: day.lastComponent, as: UTF8.self), at: now,
                    after: closeAfter + UnsealedDays.patience, youngest: nil)
        }
        var subjects: Set<String> = []
        if late.count > UnsealedDays.most,
            let oldest = late.min(by: { $0.lastComponent.lexicographicallyPrecedes($1.lastComponent) })
        {
            let subject = UnsealedDays.prefix + "many"
            try await open(
                subject, oldest,
                "\(late.count) days have waited for their manifests for more than 7 days; of the first, "
                    + "\(oldest.displayText), \(UnsealedDays.text(busy[oldest])).")
            subjects = [subject]
        } else {
            for day in late {
                let subject = UnsealedDays.prefix + day.displayText
                try await open(
                    subject, day,
                    "The manifest of day \(day.displayText) has waited for more than 7 days: "
                        + "\(UnsealedDays.text(busy[day])).")
                subjects.insert(subject)
            }
        }
        try await problems.close(.manifestWaiting, below: UnsealedDays.prefix, except: subjects, place: "replay")
    }

    private func open(_ subject: String, _ day: FilePath, _ what: String) async throws {
        let source = String(decoding: day.components.first ?? [], as: UTF8.self)
        try await problems.open(ProblemBook.Finding(.manifestWaiting, subject: subject, place: source, what: what))
    }

    private static func text(_ busy: Manifests.Busy?) -> String {
        guard let busy else { return "nothing is on its way any more" }
        func count(_ number: Int, _ one: String, _ many: String) -> String? {
            number > 0 ? "\(number) \(number == 1 ? one : many)" : nil
        }
        let parts = [
            count(busy.transfers, "file is still to be copied", "files are still to be copied").map { text in
                busy.why.map { "\(text) (\($0))" } ?? text
            },
            count(busy.muxJobs, "pair is still to be muxed", "pairs are still to be muxed"),
            count(busy.intents, "copy is under way", "copies are under way"),
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }
}
