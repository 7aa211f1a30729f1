internal import Catalogs
package import Delivery
package import Ledger
package import Planning
package import Vocabulary

/// What a look makes of one recording: what to write down, and what a person should hear. Pure.
package struct LookPlanner: Sendable {
    package let mounts: ServedMounts
    package let switches: SourceSwitches
    /// `synchronized_already_synchronized`: what carries a mark is looked at like what carries none.
    package let takesMarked: Bool

    package init(mounts: ServedMounts, switches: SourceSwitches, takesMarked: Bool = false) {
        self.takesMarked = takesMarked
        self.mounts = mounts
        self.switches = switches
    }

    /// Whether the ledger's sighting leaves nothing to do before it moves by itself.
    /// - Parameters:
    ///   - now: by the ledger's clock.
    ///   - isHinted: something told that this very recording may have changed.
    package func isSettled(
        _ sighting: Sighting, _ recording: SourceRecording, now: Instant, isHinted: Bool
    ) -> Bool {
        let isSame = sighting.fingerprint == Fingerprint(of: recording).bytes
        switch sighting.state {
        case .waiting, .refused: return !isHinted && sighting.notBefore > now
        case .transferring: return isSame && isMarkExpected(sighting, recording)
        case .converged:
            guard isSame && isMarkExpected(sighting, recording) else { return false }
            // Without a mark to set, only new settings can change anything: look again from time to time.
            return sighting.mark != nil || (sighting.converged.map { now - $0 < .seconds(600) } ?? false)
        // The mark may have been set after this look began; later, an unmarked row means that it was taken away.
        case .marked:
            return isSame && (recording.mark != nil || (sighting.marked.map { now - $0 < .seconds(60) } ?? false))
        }
    }

    /// Whether the row's mark is the one that the plan saw, or the one that it will set: marking takes no other row.
    private func isMarkExpected(_ sighting: Sighting, _ recording: SourceRecording) -> Bool {
        recording.mark == sighting.standing || recording.mark != nil && recording.mark == sighting.mark
    }

    /// The outcome of one recording, with the problems that it shows.
    package struct Verdict: Sendable {
        package var outcome: SightingPlan.Outcome
        package var problems: [ProblemBook.Finding]
        /// Rows and external data that have to be brought before the plan is written down: nothing else will.
        package var needsMetadata: Bool
        /// Rows that are to point at the source's own files.
        package var pointers: [PointerPlan] = []
        /// What a person has to bring first.
        package var awaits: Set<Awaited> = []

        /// Whether nothing is wrong with it that a person would see.
        package var isClean: Bool { problems.isEmpty && awaits.isEmpty }

        package init(
            outcome: SightingPlan.Outcome, problems: [ProblemBook.Finding], needsMetadata: Bool,
            pointers: [PointerPlan] = []
        ) {
            self.outcome = outcome
            self.problems = problems
            self.needsMetadata = needsMetadata
            self.pointers = pointers
        }

        /// What to bring of rows; nil where nothing is.
        package func rows(of recording: SourceRecording) -> RowsPlan? {
            needsMetadata || !pointers.isEmpty
                ? RowsPlan(recording: recording, pointers: pointers, outcome: outcome) : nil
        }
    }

    /// - Parameters:
    ///   - missingKeys: keys of these media that the replay does not manage.
    ///   - attempts: how often it was held before.
    package func plan(
        _ recording: SourceRecording, holding: ReplayHolding, missingKeys: Set<String>, attempts: Int
    ) -> Verdict {
        switch reconcile(recording, with: holding, switches: switches) {
        case .hold(let hold): return held(hold, recording, attempts: attempts)
        case .rest(let mark):
            return Verdict(
                outcome: .keep(mark: mark, fingerprint: Fingerprint(of: recording).bytes), problems: [],
                needsMetadata: false)
        case .plan(let plan):
            let lacking = plan.copies.compactMap(\.keyID).filter(missingKeys.contains)
            if !lacking.isEmpty { return waiting(for: Set(lacking), attempts: attempts) }
            let tags = voiceTagPlan(of: recording, with: holding, kinds: switches.kinds)
            let verdict = transfers(plan.carrying(tags), recording, holding).noting(tags)
            return adding(
                indexFiles(of: recording, by: plan, patterns: switches.indexFiles), to: verdict, of: recording)
        }
    }

    /// The end of what is not at the source any more. Nil where it goes by itself: a mark finds its row gone.
    package func giveUp(_ sighting: Sighting) -> SightingPlan? {
        switch sighting.state {
        case .waiting, .transferring, .refused:
            SightingPlan(
                reference: sighting.reference, sid: sighting.sid, stopped: sighting.stopped,
                // It may come back, as a recorder's database can be restored: then a page shows it.
                outcome: .rest(why: "its recorder does not have it any more"))
        case .converged, .marked: nil
        }
    }

    private func transfers(
        _ plan: ReconcilePlan, _ recording: SourceRecording, _ holding: ReplayHolding
    ) -> Verdict {
        var transfers: [TransferPlan] = []
        var pointers: [PointerPlan] = []
        var problems: [ProblemBook.Finding] = []
        var mark = plan.mark
        for step in plan.steps {
            if case .leave(let media, .lostAtReplay) = step { problems.append(lost(media, of: recording)) }
            guard let work = bringing(step, of: recording, holding) else { continue }
            let media = work.media
            switch mounts.place(of: media.path) {
            case .on(let mount, _):
                if let purpose = work.purpose {
                    transfers.append(
                        TransferPlan(media, of: recording, mount: mount, replaces: work.replayMediaID, purpose: purpose)
                    )
                } else {
                    pointers.append(
                        PointerPlan(media: media, path: mounts.here(media.path), replacesMediaID: work.replayMediaID))
                }
            case .refused:
                mark = nil
                problems.append(
                    ProblemBook.Finding(
                        .pathRefused, recording: recording.reference, media: media.id,
                        what:
                            "The path of media \(media.id) of \(recording.reference) leads out of the recorder's directories."
                    ))
            case .unserved:
                mark = nil
                problems.append(
                    ProblemBook.Finding(
                        .unservedMedia, recording: recording.reference, media: media.id,
                        what: "Media \(media.id) of \(recording.reference) lies below no mount of this source."))
            }
        }
        if mark == nil && switches.onlyProcessed && recording.isFinished { problems += undecoded(recording) }
        let fingerprint = Fingerprint(of: recording).bytes
        let change = rowChange(of: recording, with: holding)
        if transfers.isEmpty {
            return Verdict(
                outcome: .keep(mark: mark, fingerprint: fingerprint), problems: problems,
                needsMetadata: holding.recording == nil || !plan.attach.isEmpty || plan.regroups || change != nil,
                pointers: pointers)
        }
        return Verdict(
            outcome: .transfer(transfers, mark: mark, fingerprint: fingerprint), problems: problems,
            // A commit of media only fills what is empty.
            needsMetadata: change == .corrects)
    }

    /// What a step brings, and the replay's row that it takes over; without a purpose for an agent it is a row that
    /// points. Nil where nothing is to be done.
    private func bringing(
        _ step: MediaStep, of recording: SourceRecording, _ holding: ReplayHolding
    ) -> (media: SourceMedia, replayMediaID: Int64?, purpose: Transfer.Purpose?)? {
        switch step {
        case .copy(let media): return (media, nil, .copy)
        case .replace(let media, let row): return (media, row, .copy)
        case .measure(let media, let row): return (media, row, .measure)
        case .point(let media): return (media, nil, nil)
        case .repoint(let media, let row): return (media, row, nil)
        case .keepPointer(let media, let row, isOwn: true):
            // The settings may say another place by now. A row that was removed stays so.
            let origin = MediaOrigin(source: recording.source, mediaID: media.id)
            guard let pointer = holding.pointers[origin], pointer.path != mounts.here(media.path),
                holding.recording?.media.contains(where: { $0.id == row }) == true
            else { return nil }
            return (media, row, nil)
        case .keep, .keepPointer, .leave: return nil
        }
    }

    private func held(_ hold: Hold, _ recording: SourceRecording, attempts: Int) -> Verdict {
        let reference = recording.reference
        switch hold {
        case .notFinished: return wait("its row is not FINISHED", attempts)
        case .notProcessed:
            var verdict = wait("its recorder has decoded nothing of it", attempts)
            if recording.isFinished { verdict.problems = undecoded(recording) }
            return verdict
        case .noStreams: return wait("it has no media, and couples without streams are off", max(attempts, 10))
        case .removedAtSource: return wait("the recorder's tools took its media away", max(attempts, 10))
        case .sidCollision:
            let what = "The replay has another call under the sid of \(reference): start or length do not agree."
            return Verdict(
                outcome: .refuse(why: what, delay: pause(attempts)),
                problems: [ProblemBook.Finding(.sidCollision, recording: reference, what: what)], needsMetadata: false)
        case .removedAtReplay:
            let what = "The rows of recording \(reference) are gone from the replay, and nothing there says why."
            return Verdict(
                outcome: .refuse(why: what, delay: pause(max(attempts, 10))),
                problems: [ProblemBook.Finding(.removedAtReplay, recording: reference, what: what)],
                needsMetadata: false)
        }
    }

    /// Captures that nothing was made of, where the recorder says that it has finished.
    private func undecoded(_ recording: SourceRecording) -> [ProblemBook.Finding] {
        recording.undecoded.map { media in
            ProblemBook.Finding(
                .notDecoded, recording: recording.reference, media: media.id,
                what: "Media \(media.id) of \(recording.reference) is a capture that its recorder has not decoded; it"
                    + " stays there, and the recording is not marked.")
        }
    }

    private func lost(_ media: SourceMedia, of recording: SourceRecording) -> ProblemBook.Finding {
        ProblemBook.Finding(
            .removedAtReplay, recording: recording.reference, media: media.id,
            what:
                "The row of media \(media.id) of \(recording.reference) is gone from the replay, and nothing there says why."
        )
    }

    private func waiting(for keys: Set<String>, attempts: Int) -> Verdict {
        // A key comes by a person's hand, who then wants to see it go on: never longer than a minute.
        var verdict = Verdict(
            outcome: .wait(
                why: "it is encrypted with a key that the replay does not manage",
                delay: min(pause(attempts), .seconds(60))), problems: [], needsMetadata: false)
        verdict.awaits = Set(keys.map(Awaited.key))
        return verdict
    }

    private func wait(_ why: String, _ attempts: Int) -> Verdict {
        Verdict(outcome: .wait(why: why, delay: pause(attempts)), problems: [], needsMetadata: false)
    }

    /// Doubling from 10 s to an hour. Without jitter: looks are batches, and one keeper makes them.
    private func pause(_ attempts: Int) -> Duration { min(.seconds(10) * (1 << min(attempts, 9)), .seconds(3600)) }
}

extension TransferPlan {
    fileprivate init(
        _ media: SourceMedia, of recording: SourceRecording, mount: MountPath, replaces: Int64?,
        purpose: Transfer.Purpose
    ) {
        self.init(
            mediaID: media.id, fingerprint: Fingerprint(of: media).bytes, mount: mount, kind: media.kind,
            path: media.path, expectedSize: media.size, crc32: media.crc32, keyID: media.keyID,
            properties: media.properties, recordingStart: recording.start ?? recording.stop, replacesMediaID: replaces,
            purpose: purpose)
    }
}
