internal import Ledger
internal import Settings
internal import Vocabulary

/// A report as programs read it: JSON. Keys are never renamed or left out within a version; new ones may come.
///
/// Times are UTC as in RFC 3339, spans in seconds, sizes in bytes, shares from 0 to 1; what is not known is null.
package struct StatusDocument: Sendable {
    package static let version = 1
    private let report: StatusReport

    package init(_ report: StatusReport) { self.report = report }

    package var text: String {
        JSONText.object([
            ("version", .integer(StatusDocument.version)), ("replay", .string(report.replay)),
            ("at", .string(report.at.text)), ("marking_stopped", .optional(report.markingStopped)),
            ("collecting", .boolean(report.isCollecting)),
            ("sources", .list(report.sources.map(source))), ("mounts", .list(report.mounts.map(mount))),
            ("volumes", .list(report.volumes.map(volume))),
            ("alerts", .list(report.alerts.filter { $0.kind != "filling-ahead" }.map(alert))), ("mux", mux),
            ("scrubbing", .integer(report.scrubbers.count)), ("delay", delay),
            ("open_problems", .integer(report.openProblems)), ("problems", .list(report.problems.map(problem))),
        ]).text() + "\n"
    }

    private func source(_ source: StatusReport.Source) -> JSONText {
        .object([
            ("name", .string(source.name.rawValue)), ("in_settings", .boolean(source.isEnabled != nil)),
            ("enabled", .boolean(source.isEnabled ?? false)), ("keeper", .optional(source.keeper?.rawValue)),
            ("waiting", .integer(source.counts.waiting)), ("moving", .integer(source.counts.transferring)),
            ("to_mark", .integer(source.counts.converged)), ("marked", .integer(source.counts.marks)),
            ("refused", .integer(source.counts.refused)), ("oldest_waiting_s", seconds(source.counts.oldestWaiting)),
            ("paused_since", .optional(source.pause?.since.text)), ("pause_reason", .optional(source.pause?.reason)),
            ("at_risk", risks(source.risks)),
            ("read_limit", source.readLimit.map { .integer($0) } ?? .null), ("read_rate", .integer(source.readRate)),
        ])
    }

    /// Recordings that deletion at the recorder would lose; of those marked and not held, by kind.
    private func risks(_ risks: [Risk]) -> JSONText {
        func count(_ what: Risk.What) -> JSONText {
            .integer(risks.filter { $0.what == what }.map(\.recordings).max() ?? 0)
        }
        let kinds = risks.filter { $0.what == .markedNotHeld }.compactMap { risk in
            risk.kind.map { ($0.rawValue, JSONText.integer(risk.recordings)) }
        }
        return .object([
            ("marked_not_held", .object(kinds)), ("deletion_near", count(.deletionNear)),
            ("unmarked_older", count(.unmarkedOlder)),
        ])
    }

    private func mount(_ mount: StatusReport.Mount) -> JSONText {
        .object([
            ("path", .string(mount.path.rawValue)), ("source", .optional(mount.source?.rawValue)),
            ("enabled", .boolean(mount.isEnabled)), ("agent", mount.agent.map(process) ?? .null),
            ("state", .optional(mount.words.mount)), ("watching", .optional(mount.words.watching)),
            ("watching_on", .optional(mount.words.watchingOn)),
            ("watching_note", .optional(mount.words.watchingNote)),
            ("directories_watched", .optional(mount.words.directoriesWatched)),
            ("directories_polled", .optional(mount.words.directoriesPolled)),
            ("directories_unreadable", .optional(mount.words.directoriesUnreadable)),
            ("is_keeper", .boolean(mount.words.isKeeper ?? false)), ("waiting", .integer(mount.counts.waiting)),
            ("moving", .integer(mount.counts.claimed)), ("missing", .integer(mount.counts.missing)),
        ])
    }

    private func process(_ agent: KnownAgent) -> JSONText {
        .object([
            ("alive", .boolean(agent.isAlive)), ("stopped", .optional(agent.left?.text)),
            ("silent_s", seconds(agent.silence)),
            ("host", .string(agent.beat.host)), ("process_id", .integer(Int64(agent.beat.processID))),
            ("version", .string(agent.beat.version)), ("started", .string(agent.started.text)),
        ])
    }

    private func volume(_ volume: StatusReport.Volume) -> JSONText {
        let state = volume.counts?.state
        return .object([
            ("name", .string(volume.name.rawValue)), ("in_settings", .boolean(volume.settings != nil)),
            ("path", .optional((volume.settings?.path ?? state?.path)?.displayText)),
            ("only_screens", .boolean(volume.takesOnlyScreens)),
            ("id", .optional(state?.id.rawValue)), ("account", .optional(state?.account.rawValue)),
            ("priority", .optional(volume.settings?.priority)), ("balance", .optional(volume.settings?.balance)),
            ("watermark", .optional(volume.watermarkShare.map(share))), ("state", .optional(state?.state)),
            ("reason", .optional(state?.reason)), ("since", .optional(state?.since.text)),
            ("incident", state?.incident.map { .integer($0) } ?? .null), ("away", .list(volume.sights.map(away))),
            ("used", .optional(state?.sample.map { share($0.usedPercent / 100) })),
            ("available_bytes", .optional(state?.sample.map { Int($0.availableBytes) })),
            ("sampled", .optional(state?.sampled?.text)), ("replicas", .integer(volume.counts?.replicas ?? 0)),
            ("bytes", .integer(volume.counts?.bytes ?? 0)),
            ("reserved_bytes", .integer(volume.counts?.reservedBytes ?? 0)),
            ("copies_at_once", .list(volume.copiesAtOnce.map { .integer($0) })),
            ("scrub", scrub(state.flatMap { report.scrubs[$0.id] })),
            ("share", .optional(volume.share.map(share))), ("balance_share", .optional(volume.balanceShare.map(share))),
        ])
    }

    /// What was read again since midnight UTC, and since when the copy that waits longest was not.
    private func scrub(_ standing: Scrubs.Standing?) -> JSONText {
        guard let standing else { return .null }
        return .object([
            ("copies_today", .integer(standing.copiesToday)), ("bytes_today", .integer(standing.bytesToday)),
            ("bad_today", .integer(standing.badToday)), ("oldest_unread_s", seconds(standing.oldest)),
        ])
    }

    /// From which host it can't be used.
    private func away(_ sight: VolumeSight) -> JSONText {
        .object([
            ("host", .string(sight.host)), ("state", .string(sight.state)), ("reason", .optional(sight.reason)),
            ("since", .string(sight.since.text)), ("incident", .integer(sight.incident)),
        ])
    }

    private func alert(_ alert: Alert) -> JSONText {
        .object([
            ("kind", .string(alert.kind)), ("subject", .string(alert.subject)),
            ("incident", .integer(alert.incident)), ("since", .string(alert.since.text)),
        ])
    }

    private var mux: JSONText {
        let jobs = MuxJob.State.allCases.map { ($0.rawValue, JSONText.integer(report.muxJobs[$0] ?? 0)) }
        let screens = WaitingScreen.State.allCases.map {
            ($0.rawValue, JSONText.integer(report.screens[$0] ?? 0))
        }
        return .object([
            ("workers", .list(report.workers.map(process))), ("jobs", .object(jobs)),
            ("announced_screens", .object(screens)), ("unauthenticated", .integer(report.unauthenticatedResults)),
            ("with_notes", .integer(report.notedMuxJobs)),
        ])
    }

    private var delay: JSONText {
        .object([
            ("over_s", seconds(StatusLook.delaySpan)), ("recordings", .integer(report.delays?.recordings ?? 0)),
            ("p50_s", seconds(report.delays?.median)), ("p99_s", seconds(report.delays?.high)),
            ("worst_s", seconds(report.delays?.worst)),
        ])
    }

    private func problem(_ problem: Problem) -> JSONText {
        .object([
            ("id", .integer(problem.id.rawValue)), ("kind", .string(problem.kind)),
            ("subject", .string(problem.subject)), ("reference", .optional(problem.reference)),
            ("what", .string(problem.what)), ("hint", .optional(problem.hint)), ("count", .integer(problem.count)),
            ("opened", .string(problem.opened.text)), ("last", .string(problem.last.text)),
        ])
    }

    /// To the millisecond.
    private func seconds(_ span: Duration?) -> JSONText {
        .optional(span.map { Double($0.wholeMilliseconds) / 1000 })
    }

    /// To the hundredth of a percent.
    private func share(_ share: Double) -> Double { (share * 10_000).rounded() / 10_000 }
}
