internal import Files
package import Planning
internal import Settings
package import Vocabulary

/// A volume whose levels, as measured, are in no order by the settings: its floor must lie below its watermark, and its
/// watermark below the level where the alert ends.
package struct DisorderedLevels: Error, CustomStringConvertible {
    package let volume: VolumeName
    package let what: String
    package static let hint =
        "Lower placement.floor or placement.largest_file, lower the volume's watermark, or raise placement.hysteresis."

    package var description: String { "Volume \(volume): \(what). \(DisorderedLevels.hint)" }

    /// Nil where they are in order, and where nothing could be measured.
    package init?(_ sample: VolumeSample, rules: LevelRules) {
        guard let facts = sample.proof?.facts else { return nil }
        let settings = sample.settings
        let view = VolumeView(
            id: VolumeID(""), name: settings.name, account: AccountID(""), priority: settings.priority,
            balance: settings.balance, watermark: VolumeWatermark(settings.watermark), used: facts.usedBytes,
            available: facts.availableBytes)
        let levels = VolumeLevels(of: view, rules: rules)
        if levels.isOrdered { return nil }
        volume = settings.name
        what =
            levels.trigger < levels.clear
            ? "its floor is not below its watermark, \(settings.watermark), which keeps \(levels.trigger >> 20) MiB free"
            : "its alert would never end: the watermark, \(settings.watermark), keeps \(levels.trigger >> 20) MiB free,"
                + " and it has \(view.size >> 20) MiB"
    }
}
