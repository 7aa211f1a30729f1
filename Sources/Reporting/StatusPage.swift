internal import Ledger
internal import Settings
internal import Vocabulary

/// A report as a person reads it on a terminal.
package struct StatusPage: Sendable {
    private let report: StatusReport

    /// Agents look at volumes far more often: what is older tells of a time when none ran.
    private static let stale = Duration.seconds(600)

    /// At 8 % a day every copy is read within two weeks.
    private static let unreadLong = Duration.seconds(30 * 86_400)

    package init(_ report: StatusReport) { self.report = report }

    /// - Parameters:
    ///   - columns: no line is longer, but for a number that can't be cut.
    ///   - most: lines of the screen; problems that don't fit are left out. Nil: as many as there are.
    package func lines(columns: Int, most: Int?) -> [ScreenLine] {
        var lines = head(columns)
        for (place, table) in [sources, mounts, volumes].enumerated() {
            lines += [ScreenLine()] + table.lines(within: columns).map { $0.clipped(to: columns) }
            if place == 0 {
                lines += report.sources.flatMap {
                    $0.pauseLines(at: report.at, columns: columns) + $0.readLimitLines(at: report.at, columns: columns)
                }
            }
            if place == 1 { lines += report.mounts.flatMap { $0.watchLines(columns: columns) } }
        }
        lines += [ScreenLine(), mux.clipped(to: columns), scrub.clipped(to: columns), delay.clipped(to: columns)]
        lines += [screens, copies].compactMap { $0?.clipped(to: columns) }
        lines += risks.map { $0.clipped(to: columns) }
        return lines + [ScreenLine()] + problems(columns, room: most.map { $0 - lines.count - 2 })
    }

    private func head(_ columns: Int) -> [ScreenLine] {
        let time = String(report.at.text.map { $0 == "T" ? " " : $0 }.dropLast()) + " UTC"
        let title = ScreenLine("Takeup", .strong) + ScreenLine("  \(report.replay)  \(time)")
        var sentences: [String] = []
        if !report.isCollecting {
            sentences.append("Collecting is switched off: synchro.enabled = false. Nothing is taken from any source.")
        }
        if let reason = report.markingStopped {
            sentences.append(
                "Marking is stopped: \(reason) Run `takeup audit`; marking begins again when it has passed.")
        }
        let left = report.mounts.filter { $0.source != nil && $0.isEnabled && $0.agent?.isAlive != true }
        // Nobody else says it: who could is not there.
        if report.isCollecting, !left.isEmpty {
            let all = report.mounts.filter { $0.source != nil && $0.isEnabled }.count
            sentences.append("\(left.count) of \(all) mounts \(left.count == 1 ? "has" : "have") no agent that lives.")
        }
        return [title] + sentences.flatMap { wrapped($0, to: columns).map { ScreenLine($0, .bad) } }
    }

    // MARK: - Sources

    private var sources: ScreenTable {
        ScreenTable(
            columns: [
                .word("SOURCE", yields: true), .word("KEEPER", spare: 3), .number("WAITING"),
                .number("MOVING", spare: 1), .number("TO MARK"), .number("MARKED", spare: 2), .number("REFUSED"),
                .number("OLDEST WAITS"),
            ],
            rows: report.sources.map { source in
                [
                    .init(source.name.rawValue), keeper(of: source), number(source.counts.waiting),
                    number(source.counts.transferring), number(source.counts.converged), number(source.counts.marks),
                    number(source.counts.refused, ifAny: .doubtful),
                    .init(source.counts.oldestWaiting.map(HumanText.span) ?? "-"),
                ]
            })
    }

    private func keeper(of source: StatusReport.Source) -> ScreenTable.Cell {
        switch (source.isEnabled, source.keeper) {
        case (nil, _): .init("not in settings", .faint)
        case (false, _): .init("disabled", .faint)
        case (true, _) where !report.isCollecting: .init("switched off", .faint)
        case (true, let keeper?): .init(hostText(of: keeper))
        case (true, nil): .init("none", .bad)
        }
    }

    /// `rec-copy1` of `rec-copy1/4711/0a1b2c3d`.
    private func hostText(of holder: Holder) -> String { String(holder.rawValue.prefix { $0 != "/" }) }

    // MARK: - Mounts

    private var mounts: ScreenTable {
        ScreenTable(
            columns: [
                .word("MOUNT", yields: true), .word("AGENT"), .word("IS"), .word("WATCHED BY", spare: 2),
                .number("WAITING"), .number("MOVING", spare: 1), .number("MISSING"),
            ],
            rows: report.mounts.map { mount in
                [
                    .init(mount.path.rawValue), agent(of: mount), state(of: mount), watching(of: mount),
                    number(mount.counts.waiting), number(mount.counts.claimed),
                    number(mount.counts.missing, ifAny: .doubtful),
                ]
            })
    }

    private func agent(of mount: StatusReport.Mount) -> ScreenTable.Cell {
        if let agent = mount.agent {
            if agent.left != nil { return .init("stopped \(HumanText.span(agent.silence))", .doubtful) }
            return agent.isAlive
                ? .init("alive", .good) : .init("silent \(HumanText.span(agent.silence))", .bad)
        }
        if mount.source == nil { return .init("not in settings", .faint) }
        return mount.isEnabled ? .init("none", .bad) : .init("disabled", .faint)
    }

    private func state(of mount: StatusReport.Mount) -> ScreenTable.Cell {
        guard mount.agent?.isAlive == true, let word = mount.words.mount else { return .init("-", .faint) }
        switch word {
        case "proven": return .init("mounted", .good)
        case "starting": return .init(word)
        default: return .init(word, .bad)
        }
    }

    private func watching(of mount: StatusReport.Mount) -> ScreenTable.Cell {
        guard mount.agent?.isAlive == true, let words = mount.words.watching else { return .init("-", .faint) }
        // `polling (nfs4), degraded` of `polling, degraded`.
        let mode = String(words.prefix { $0 != "," })
        let type = mount.words.watchingOn.map { " (\($0))" } ?? ""
        let text = (mode == "event" ? "events" : mode) + type + String(words.dropFirst(mode.count))
        return .init(text, words.contains("degraded") ? .doubtful : .plain)
    }

    // MARK: - Volumes

    private var volumes: ScreenTable {
        ScreenTable(
            columns: [
                .word("VOLUME", yields: true), .number("PRIO", spare: 2), .word("STATE"), .number("USED"),
                .number("WATERMARK"), .number("FREE"), .number("REPLICAS", spare: 1), .number("BYTES", spare: 3),
                .number("SHARE", spare: 4), .number("BALANCE", spare: 5),
            ],
            rows: report.volumes.map { volume in
                let sample = volume.counts?.state.sample
                return [
                    .init(volume.name.rawValue + (volume.takesOnlyScreens ? " (screens)" : "")),
                    .init(volume.settings.map { String($0.priority) } ?? "-"), state(of: volume),
                    used(volume), .init(volume.settings.map { $0.watermark.description } ?? "-"),
                    .init(sample.map { HumanText.bytes($0.availableBytes) } ?? "-"),
                    number(volume.counts?.replicas ?? 0), .init(HumanText.bytes(volume.counts?.bytes ?? 0)),
                    .init(volume.share.map { HumanText.percent(100 * $0) } ?? "-"),
                    .init(volume.balanceShare.map { HumanText.percent(100 * $0) } ?? "-"),
                ]
            })
    }

    private func state(of volume: StatusReport.Volume) -> ScreenTable.Cell {
        if volume.settings == nil { return .init("not in settings", .faint) }
        if let sight = volume.sights.first { return .init(sight.state, .bad) }
        guard let word = volume.counts?.state.state else { return .init("never seen", .doubtful) }
        if volume.settings?.balance == 0 && word == "ok" { return .init("drains", .faint) }
        if let sampled = volume.counts?.state.sampled, report.at - sampled > StatusPage.stale {
            return .init("unseen \(HumanText.span(report.at - sampled))", .doubtful)
        }
        switch word {
        case "ok": return .init(word, .good)
        case "drain": return .init("drains", .faint)
        case "above": return .init("above", .doubtful)
        case "floor": return .init("full", .bad)
        default: return .init(word, .bad)
        }
    }

    private func used(_ volume: StatusReport.Volume) -> ScreenTable.Cell {
        guard let percent = volume.counts?.state.sample?.usedPercent else { return .init("-", .faint) }
        let isPast = volume.watermarkShare.map { percent >= 100 * $0 } ?? false
        return .init(HumanText.percent(percent), isPast ? .doubtful : .plain)
    }

    // MARK: - Mux, delay, problems

    private var mux: ScreenLine {
        func jobs(_ state: MuxJob.State) -> Int { report.muxJobs[state] ?? 0 }
        let alive = report.workers.count { $0.isAlive }
        let open = jobs(.waiting) + jobs(.claimed)
        let workers = ScreenLine(
            alive == 0 ? "no worker" : HumanText.count(alive, "worker"),
            alive == 0 ? (open > 0 ? .bad : .faint) : .good)
        let failed = ScreenLine(", \(HumanText.count(jobs(.failed))) failed", jobs(.failed) > 0 ? .bad : .plain)
        let remarks = [
            (report.unauthenticatedResults, "unauthenticated"), (report.notedMuxJobs, "with notes"),
        ].filter { $0.0 > 0 }.map { "\(HumanText.count($0.0)) \($0.1)" }
        let counts =
            ", \(HumanText.count(jobs(.waiting))) waiting, \(HumanText.count(jobs(.claimed))) at work,"
            + " \(HumanText.count(jobs(.done))) done"
            + (remarks.isEmpty ? "" : " (\(remarks.joined(separator: ", ")))")
        let replaced = jobs(.superseded) > 0 ? ", \(HumanText.count(jobs(.superseded))) replaced" : ""
        return ScreenLine("MUX    ", .faint) + workers + ScreenLine(counts) + failed + ScreenLine(replaced)
    }

    /// Screens that are not where they should be; nil where there are none.
    private var screens: ScreenLine? {
        let waiting = report.screens[.waiting] ?? 0
        let givenUp = report.screens[.givenUp] ?? 0
        let notMuxable = report.muxJobs[.notMuxable] ?? 0
        guard waiting + givenUp + notMuxable > 0 else { return nil }
        return ScreenLine("SCREENS", .faint)
            + ScreenLine(" \(HumanText.count(waiting)) announced and awaited, ")
            + ScreenLine("\(HumanText.count(givenUp)) given up", givenUp > 0 ? .doubtful : .plain)
            + ScreenLine(notMuxable > 0 ? ", \(HumanText.count(notMuxable)) of RECD alone not muxable" : "")
            + ScreenLine(" (`takeup screens`)", .faint)
    }

    /// What agents found to be fastest; nil where none did yet.
    private var copies: ScreenLine? {
        let found = report.volumes.compactMap { volume -> String? in
            guard let least = volume.copiesAtOnce.min(), let most = volume.copiesAtOnce.max() else { return nil }
            return "\(volume.name) \(least == most ? "\(most)" : "\(least) to \(most)")"
        }
        if found.isEmpty { return nil }
        return ScreenLine("COPIES ", .faint)
            + ScreenLine("files at once, as it was measured: \(found.joined(separator: ", "))")
    }

    private var scrub: ScreenLine {
        let label = ScreenLine("SCRUB  ", .faint)
        let all = Array(report.scrubs.values)
        guard let oldest = all.compactMap(\.oldest).max() else { return label + ScreenLine("no copy is held", .faint) }
        let copies = all.reduce(0) { $0 + $1.copiesToday }
        let bytes = all.reduce(0) { $0 + $1.bytesToday }
        let bad = all.reduce(0) { $0 + $1.badToday }
        let now = report.scrubbers.isEmpty ? "" : "reading; "
        return label + ScreenLine("\(now)\(HumanText.count(copies)) copies read today, \(HumanText.bytes(bytes)), ")
            + ScreenLine("\(HumanText.count(bad)) bad", bad > 0 ? .bad : .plain)
            + ScreenLine(
                "; longest unread \(HumanText.span(oldest))", oldest > StatusPage.unreadLong ? .doubtful : .plain)
    }

    private var delay: ScreenLine {
        let label = ScreenLine("DELAY  ", .faint)
        guard let delays = report.delays else {
            return label + ScreenLine("none was measured in the last hour", .faint)
        }
        return label
            + ScreenLine(
                "of \(HumanText.count(delays.recordings, "recording")) in the last hour: half within"
                    + " \(HumanText.span(delays.median)), 99% within \(HumanText.span(delays.high)), the slowest"
                    + " \(HumanText.span(delays.worst))")
    }

    /// A line for each source of which deletion at the recorder would lose something.
    private var risks: [ScreenLine] {
        report.sources.compactMap { source in
            let texts = source.risks.map { risk in
                switch risk.what {
                case .markedNotHeld:
                    "\(HumanText.count(risk.recordings)) marked, \(risk.kind?.rawValue ?? "media") not held"
                case .deletionNear: "\(HumanText.count(risk.recordings)) near their deletion"
                case .unmarkedOlder: "\(HumanText.count(risk.recordings)) unmarked and older than the interval"
                }
            }
            if texts.isEmpty { return nil }
            return ScreenLine("RISK   ", .faint) + ScreenLine("\(source.name): \(texts.joined(separator: "; "))", .bad)
        }
    }

    private func problems(_ columns: Int, room: Int?) -> [ScreenLine] {
        guard report.openProblems > 0 else { return [ScreenLine("No problem is open.", .good)] }
        var lines: [ScreenLine] = []
        var count = 0
        for (place, problem) in report.problems.enumerated() {
            // One hint for all in a row that it is for.
            let isRepeated = place > 0 && report.problems[place - 1].hint == problem.hint
            let text = told(problem, withHint: !isRepeated, columns)
            // The first is told even where there is no room: the screen is cut then.
            if let room, count > 0, lines.count + text.count > room { break }
            lines += text
            count += 1
        }
        let title = "\(HumanText.count(report.openProblems, "problem")) \(report.openProblems == 1 ? "is" : "are") open"
        guard count < report.openProblems else { return [ScreenLine(title + ":", .bad)] + lines }
        let rest = title + ", the newest \(count == 1 ? "one" : String(count))"
        let whole = rest + " (`takeup status` shows all):"
        return [ScreenLine(whole.count <= columns ? whole : rest + ":", .bad)] + lines
    }

    private func told(_ problem: Problem, withHint: Bool, _ columns: Int) -> [ScreenLine] {
        let age = "  " + HumanText.ago(report.at - problem.opened)
        let indent = 14
        let width = max(30, columns - indent)
        let blanks = String(repeating: " ", count: indent)
        let times = problem.count > 1 ? " (met \(HumanText.count(problem.count)) times)" : ""
        let what = wrapped(problem.what + times, to: width).enumerated().map { place, text in
            ScreenLine(place == 0 ? age + blanks.dropFirst(age.count) : blanks, .faint) + ScreenLine(text)
        }
        let hint = withHint ? problem.hint ?? "" : ""
        return what + wrapped(hint, to: width).map { ScreenLine(blanks + $0, .faint) }
    }

    private func number(_ number: Int, ifAny ink: Ink = .plain) -> ScreenTable.Cell {
        .init(HumanText.count(number), number > 0 ? ink : .plain)
    }
}
