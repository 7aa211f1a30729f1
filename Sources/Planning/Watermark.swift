/// Where space stands against the levels that lower a state, for how long.
package struct SpaceCalm: Hashable, Sendable {
    private var clearSince: Duration?
    private var offFloorSince: Duration?

    package init() {}

    /// Takes a sample in.
    /// - Parameter now: by a clock that only goes forward.
    package mutating func see(_ view: VolumeView, _ levels: VolumeLevels, at now: Duration) {
        follow(view.isClear(levels), &clearSince, now)
        follow(view.isOffFloor(levels), &offFloorSince, now)
    }

    fileprivate func isClear(at now: Duration) -> Bool { SpaceCalm.lasts(clearSince, now) }
    fileprivate func isOffFloor(at now: Duration) -> Bool { SpaceCalm.lasts(offFloorSince, now) }

    private func follow(_ holds: Bool, _ since: inout Duration?, _ now: Duration) {
        since = holds ? since ?? now : nil
    }

    private static func lasts(_ since: Duration?, _ now: Duration) -> Bool {
        since.map { now - $0 >= .seconds(60) } ?? false
    }
}

extension VolumeView {
    fileprivate func isClear(_ levels: VolumeLevels) -> Bool {
        projected >= levels.clear && inodesProjected >= levels.inodeClear
    }
    fileprivate func isOffFloor(_ levels: VolumeLevels) -> Bool {
        projected >= levels.floor + largestUnderWay && inodesProjected >= levels.inodeFloor
    }
}

/// The next state of a volume by what a sample showed, for the states that space decides. One refused placement changes
/// no state; a sample does.
///
/// Raised at the trigger, cleared only past the clearing level held for a minute: use that swings around the watermark
/// gives one alert.
/// - Parameter calm: has seen this sample.
package func watermarkState(
    of view: VolumeView, from state: VolumeState, levels: VolumeLevels, calm: SpaceCalm, at now: Duration
) -> VolumeState {
    let isUnderFloor = view.projected < levels.floor || view.inodesProjected < levels.inodeFloor
    let isUnderTrigger = view.projected < levels.trigger || view.inodesProjected < levels.inodeTrigger
    switch state {
    case .drain, .limited, .readOnly, .absent, .hung, .suspect:
        return state
    case .floor:
        guard calm.isOffFloor(at: now) else { return .floor }
        return calm.isClear(at: now) ? .ok : .above
    case .above:
        if isUnderFloor { return .floor }
        return calm.isClear(at: now) ? .ok : .above
    case .ok:
        if isUnderFloor { return .floor }
        return isUnderTrigger ? .above : .ok
    }
}
