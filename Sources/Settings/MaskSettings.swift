/// Blanking of screens while the sound was masked.
package struct MaskSettings: Hashable, Sendable {
    package let isOn: Bool
    /// Keys of external data whose values are masks, `<start>/<end>`.
    package let dataKeys: [String]
}

extension MaskSettings {
    static func read(from reader: inout SectionReader) -> MaskSettings {
        MaskSettings(
            isOn: reader.value(
                "blank_masked", .boolean, standard: false,
                "Black pictures while the sound was masked or paused, which takes encoding. A mask that cannot be read or "
                    + "placed makes no result."),
            dataKeys: reader.value(
                "mask_data_keys", .texts(0...20), standard: ["mask"],
                "Keys of external data whose values are masked times, `<start>/<end>`, on the recorder's clock or in "
                    + "milliseconds from the start of the sound. `masks` among a sound's media properties count as well."
            ))
    }
}
