/// How long recordings wait for a screen that was announced, and what announces one.
package struct ScreenWaitSettings: Hashable, Sendable {
    /// Keys or values of external data.
    package let announcedBy: [String]
    /// The shortest and the longest time between two looks.
    package let shortest: Duration
    package let longest: Duration
    /// Since it is known that the screen is not there.
    package let giveUpAfter: Duration
}

extension ScreenWaitSettings {
    static func read(from reader: inout SectionReader) -> ScreenWaitSettings {
        ScreenWaitSettings(
            announcedBy: reader.value(
                "screen_announced_by", .texts(0...20), standard: ["SRSScreenRecordingStateStarted"],
                "A recording whose external data have one of these as a key or as a value has a screen, also where no row "
                    + "names one yet."),
            shortest: reader.value(
                "screen_wait_shortest", .duration(.seconds(1)...(.seconds(86_400))), standard: .seconds(60),
                "A recording that announced a screen and has none is looked at again after this, and after as long as it has "
                    + "waited from then on."),
            longest: reader.value(
                "screen_wait_longest", .duration(.seconds(1)...(.seconds(7 * 86_400))), standard: .seconds(21_600),
                "The longest time between two such looks."),
            giveUpAfter: reader.value(
                "screen_wait_age", .duration(.seconds(1)...(.seconds(366 * 86_400))), standard: .seconds(7 * 86_400),
                "After this it is told of and not looked for any more. A screen that comes later is muxed all the same."
            ))
    }
}
