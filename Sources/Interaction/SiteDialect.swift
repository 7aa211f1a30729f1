/// Everything about RWS, RCS and their records that no document says, in one place. Nothing else in this module spells such
/// a name.
package struct SiteDialect: Hashable, Sendable {
    /// Path of the bulk question below that of the contact center's screen recordings.
    package var bulkPath = "bulk"
    /// Key of the list of ids in the bulk question's body.
    package var bulkIDs = "ids"
    /// Records that one answer holds at most; of searches it is documented.
    package var mostRecords = 100
    /// Keys under which an answer may name its next page, at its top or in an object under one of `pagingGroups`.
    package var nextPageKeys = ["nextUri", "nextURI", "next", "nextPage", "nextPageUri", "next_uri"]
    package var pagingGroups = ["paging", "links", "_links", "page"]
    /// Keys under which an answer may say how many there are over all pages.
    package var totalKeys = ["totalCount", "total"]
    /// Keys under which a link that is an object says where it leads.
    package var linkTargets = ["href", "uri", "url"]
    /// Key of the alias of the certificate that a result is encrypted for.
    package var certificateAlias = "certAlias"
    /// Whether the sound's media id comes first in `muxed_mediaIds`.
    package var namesSoundFirst = true
    /// What of a media address stands before the part that RCS takes.
    package var mediaPrefixes = ["/api/v2", "/internal-api"]
    /// What RCS has before it.
    package var cryptoServerPath = "/rcs"
    /// What of RWS's own paths RCS may leave out: it is seen with paths that begin with the recordings, while nobody says what becomes of
    /// those that begin with a contact center.
    package var centerPrefixes = ["/ops/contact-centers/", "/contact-centers/"]
    /// Statuses that say that there is no bulk question.
    package var bulkMissing: Set<Int> = [404, 405, 501]
    /// Keys of a group's items, of an item's name, and of its value.
    package var settingItems = "settings"
    package var settingName = "name"
    package var settingValue = "value"
    /// Keys under which a storage setting, or an object in it, says where it stores.
    package var storagePathKeys = ["storagePath", "path", "uri"]
    package var storageGroups = ["credential", "data"]
    /// Members of an entry of `masks` that say from when to when.
    package var maskStarts = ["startTime", "start", "begin", "from"]
    package var maskEnds = ["stopTime", "endTime", "stop", "end", "to"]
    /// The value in a call's user data that says that a screen was begun.
    package var screenMark = "SRSScreenRecordingStateStarted"

    package init() {}
}
