/// The next state of a volume by what a sample showed, for the states that space decides. One refused placement changes
/// no state; a sample does.
///
/// Raised at the trigger, cleared only past the clearing level held for a minute: use that swings around the watermark
/// gives one alert.
/// - Parameters:
///   - stableFor: how long the sample has been past the level that would lower the state.
package func watermarkState(
    of view: VolumeView, from state: VolumeState, largestPending: Int64, stableFor: Duration
) -> VolumeState {
    let levels = VolumeLevels(of: view, largest: largestPending)
    let fewest = min(VolumeLevels.fewestInodes, view.inodesTotal / 10)
    let hasInodes = view.inodesTotal == 0 || view.inodesAvailable > fewest
    let isStable = stableFor >= .seconds(60)
    switch state {
    case .drain, .limited, .readOnly, .absent, .hung, .suspect:
        return state
    case .floor:
        guard hasInodes, view.projected >= levels.floor + largestPending, isStable else { return .floor }
        return view.projected >= levels.clear ? .ok : .above
    case .above:
        if !hasInodes || view.projected < levels.floor { return .floor }
        return view.projected >= levels.clear && isStable ? .ok : .above
    case .ok:
        if !hasInodes || view.projected < levels.floor { return .floor }
        return view.projected < levels.trigger ? .above : .ok
    }
}
