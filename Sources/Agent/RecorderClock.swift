internal import Glibc
package import Vocabulary

/// What the recorder's clock shows. An agent serves one source, so its process lives in that source's time zone.
package enum RecorderClock {
    /// Makes this process's zone the source's. At the start, before any thread asks for the time.
    package static func use(timeZone: String) {
        setenv("TZ", timeZone, 1)
        tzset()
    }

    /// Whether the machine knows the zone (package tzdata); one that it does not know is taken for UTC by libc.
    package static func knows(timeZone: String) -> Bool {
        timeZone == "UTC" || access("/usr/share/zoneinfo/\(timeZone)", R_OK) == 0
    }

    /// Seconds east of Greenwich, summer time included.
    package static func utcOffset(at instant: Instant) -> Int {
        var seconds = time_t(instant.microseconds / 1_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts.tm_gmtoff
    }
}
