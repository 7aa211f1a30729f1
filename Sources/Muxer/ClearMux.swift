internal import Files
internal import Glibc
internal import Media
internal import Planning
internal import Vocabulary

/// Arranges and muxes halves that are open, clear and measured, whatever archive they are from.
struct ClearMux: Sendable {
    let tools: MediaTools
    let rules: ArrangeRules
    let tolerance: Duration
    let checks: MuxChecks

    static let resultName = "result.mp4"

    struct Part: Sendable {
        let half: MuxChecks.Half
        /// How long its row says that it lasts; nil where it says nothing of this very file.
        let claimed: ClaimedLength?
        /// Whether anything vouches for it besides its own decoder.
        let isVouched: Bool
    }

    /// Makes ``resultName`` in `directory`, which has to be private. With it, what who plays it cannot see, and should know.
    ///
    /// - Parameters:
    ///   - parts: the sound, then the screens.
    ///   - offset: how long after the sound a screen began: by its place among the screens, its measured length and the
    ///     sound's.
    ///   - adjusted: the plan as it is carried out.
    ///   - labels: what the file says of itself, by the places of the screens that it shows, in order.
    /// - Throws: ``MuxFailure``, `MediaError`, `CancellationError`, and what `adjusted` throws.
    func make(
        _ parts: [Part], in directory: FilePath,
        offset: (_ screen: Int, _ length: Duration, _ soundLength: Duration) -> Offset,
        adjusted: (MuxPlan, SoundTrack, [ScreenTrack]) throws -> MuxPlan = { plan, _, _ in plan },
        labels: ([Int]) -> MuxLabels
    ) async throws -> (result: MuxResult, notes: [String]) {
        guard let sound = parts.first,
            let track = sound.half.input.facts.soundTrack(claimed: sound.claimed, isWhole: sound.half.isWhole)
        else {
            throw MuxFailure(what: "the sound holds no sound", isTransient: false)
        }
        let screens = Array(parts.dropFirst())
        let names = screens.map(\.half.role)
        var tracks: [ScreenTrack] = []
        for (number, screen) in screens.enumerated() {
            guard
                var picture = screen.half.input.facts.screenTrack(
                    offset: .zero, claimed: screen.claimed, isWhole: screen.half.isWhole)
            else {
                let failure = MuxFailure(what: "\(screen.half.role) holds no pictures", isTransient: false)
                throw MuxFailure(ofScreens: [screen.half.role: failure])
            }
            let offset = offset(number, picture.duration, track.duration)
            picture.offset += offset.estimate
            picture.uncertainty = offset.uncertainty
            tracks.append(picture)
        }
        let plan: MuxPlan
        switch arrange(track, screens: tracks, rules: rules) {
        case .mux(let made): plan = try adjusted(made, track, tracks)
        case .refuse(let refusal):
            let failure = MuxFailure(what: refusal.text(screens: names), isTransient: false)
            throw refusal.screen(of: tracks).map { MuxFailure(ofScreens: [names[$0]: failure]) } ?? failure
        }
        let shown = Set(plan.pieces.compactMap(\.screen))
        let labels = labels(screens.indices.filter(shown.contains))
        let result = try await checked(plan, sound, screens) { extent, joinsByTool in
            // An attempt that its check refused after it was made has left its file.
            unlink(directory.appending(ClearMux.resultName).cPath)
            return try await tools.mux(
                plan, sound: sound.half.input, screens: screens.map(\.half.input), labels: labels, into: directory,
                name: ClearMux.resultName, tolerance: tolerance, decoding: extent, joinsByTool: joinsByTool)
        }
        return (result, plan.notes(screens: names))
    }

    /// Carries out a mux, and decodes its inputs: beside it where it copies, before it where it is much work. Damage of
    /// an input says more than what follows from it.
    ///
    /// - Parameter mux: is told what to decode of the result's pictures, if that is to tell of the screens, and whether a tool
    ///   has to join them.
    private func checked(
        _ plan: MuxPlan, _ sound: Part, _ screens: [Part],
        mux: @escaping @Sendable (DecodeStretch.Extent?, _ joinsByTool: Bool) async throws -> MuxResult
    ) async throws -> MuxResult {
        guard plan.picture == .copy else {
            try await refuseDamaged(sound, screens)
            return try await mux(nil, false)
        }
        if tools.copiesPackets(plan, sound: sound.half.input, screens: screens.map(\.half.input)) {
            let shown = Set(plan.pieces.compactMap(\.screen))
            let inResult = shown.sorted().map { screens[$0] }
            let others = screens.indices.filter { !shown.contains($0) }.map { screens[$0] }
            // A result of the same packets shows what decoding the screens would, and how they join.
            let needsAll = inResult.contains { checks.extent(of: $0.half, isVouched: $0.isVouched) == .all }
            let extent = needsAll ? DecodeStretch.Extent.all : .keyPictures
            do {
                let result = try await beside({ try await refuseDamaged(sound, others) }) {
                    try await mux(extent, false)
                }
                // It was muxed in another way after all.
                if !result.arePicturesDecoded { try await refuseDamaged(sound, inResult) }
                return result
            } catch let error as MediaError where !error.isTransient {
                // Whose damage it is, each one's own decoding tells. What none has came of joining them as they are.
                // No screen is looked at more closely there than by itself: whose fault it is could not be told.
                let isAll = inResult.allSatisfy { checks.extent(of: $0.half, isVouched: $0.isVouched) == .all }
                let again = isAll ? DecodeStretch.Extent.all : .keyPictures
                return try await beside({ try await refuseDamaged(sound, screens) }) { try await mux(again, true) }
            }
        }
        return try await beside({ try await refuseDamaged(sound, screens) }) { try await mux(nil, false) }
    }

    private func refuseDamaged(_ sound: Part, _ screens: [Part]) async throws {
        try await checks.refuseDamaged(sound: sound.half, screens: screens.map { ($0.half, $0.isVouched) })
    }

    /// Gives what `mux` makes. Where both fail, the check tells why.
    private func beside(
        _ check: @escaping @Sendable () async throws -> Void,
        _ mux: @escaping @Sendable () async throws -> MuxResult
    ) async throws -> MuxResult {
        let outcome: Result<MuxResult, any Error>? = try await withThrowingTaskGroup(
            of: Result<MuxResult, any Error>?.self
        ) { group in
            group.addTask {
                try await check()
                return nil
            }
            group.addTask {
                do { return .success(try await mux()) } catch { return .failure(error) }
            }
            var outcome: Result<MuxResult, any Error>?
            for try await one in group { outcome = one ?? outcome }
            return outcome
        }
        guard let outcome else { throw CancellationError() }
        return try outcome.get()
    }
}
