internal import Interaction
internal import Planning
internal import Vocabulary

/// Masked time of a sound at a GIR site, and what becomes of the screens meanwhile.
struct SiteBlanking: Sendable {
    /// Whether the site wants screens blanked.
    let isOn: Bool
    let sound: SiteMedium
    /// Where the sound's record does not say when it began, the call's start.
    let start: Instant?
    let screens: [SiteMedium]

    /// The plan with the screens blanked while the sound was masked. To guess would be to show what must not be seen.
    ///
    /// - Throws: ``MuxFailure`` where a mask cannot be read or placed.
    func blanked(_ plan: MuxPlan, _ track: SoundTrack, _ tracks: [ScreenTrack]) throws -> MuxPlan {
        guard isOn else { return plan }
        let masks = try placed(lasting: track.duration)
        if masks.isEmpty { return plan }
        let names = screens.indices.map { SiteHalves.role($0 + 1, of: screens.count + 1) }
        func failure(_ refusal: MaskRefusal) -> MuxFailure {
            MuxFailure(what: refusal.text(screens: names), isTransient: false)
        }
        if let unplaced = screens.firstIndex(where: { $0.start == nil }) { throw failure(.unplaced(screen: unplaced)) }
        do {
            return try plan.blanking(masks, sound: track, screens: tracks)
        } catch {
            throw failure(error.refusal)
        }
    }

    /// Whether a result of the same media that others made may show what this one does not.
    var hides: Bool { isOn && sound.masks != .read([]) }

    /// What who plays a result should know of what it shows.
    var notes: [String] {
        if isOn { return [] }
        switch sound.masks {
        case .read([]): return []
        case .read(let masks):
            return [
                "the sound was masked \(masks.count == 1 ? "once" : "\(masks.count) times"), and the screen is shown meanwhile"
            ]
        case .unreadable: return ["the sound was masked, nobody knows when, and the screen is shown meanwhile"]
        }
    }

    private func placed(lasting length: Duration) throws(MuxFailure) -> [MaskedTime] {
        guard case .read(let masks) = sound.masks else {
            throw MuxFailure(
                what: "masked time in the sound's record cannot be read, so that nobody knows what to blank",
                isTransient: false)
        }
        let claimed = ClaimedTimes(
            start: start.map { WallTime(microseconds: $0.microseconds) },
            stop: sound.stop.map { WallTime(microseconds: $0.microseconds) })
        let beginning = Beginning(of: claimed, lasting: length)
        var placed: [MaskedTime] = []
        for mask in masks {
            guard let time = mask.placed(from: beginning, isUTC: true) else {
                throw MuxFailure(
                    what:
                        "masked time in the sound's record cannot be placed: the record does not say when the sound began",
                    isTransient: false)
            }
            placed.append(time)
        }
        return placed
    }
}
