/// A recording as the replay's catalog has it.
package struct ReplayRecording: Hashable, Sendable {
    /// `couples.id` at the replay.
    package var id: Int64
    package var callID: Int64
    package var sid: Sid
    package var start: WallTime?
    package var stop: WallTime?
    /// Seconds, as the row claims.
    package var length: Int?
    package var state: String?
    package var problemStatus: String?
    package var isProtected: Bool
    package var isDeleted: Bool
    package var isArchived: Bool
    /// `restored` is `R`: what was deleted or archived is back in its place.
    package var isRestored: Bool = false
    /// `mixed` is `M`: a muxed file stands beside the originals.
    package var isMixed: Bool
    /// Columns that sources carry here, as PostgreSQL's text, by column name; nil where the row is empty. Columns that the
    /// replay lacks are left out.
    package var carried: [String: String?] = [:]
    /// Numbers of the call's parties, as the row has them.
    package var parties: [String]
    /// The recordings of its call, this one among them.
    package var callLegs: [Sid]
    package var media: [ReplayMedia]
    package var externalData: Set<ExternalDatum>

    package init(
        id: Int64, callID: Int64, sid: Sid, start: WallTime? = nil, stop: WallTime? = nil, length: Int? = nil,
        state: String? = nil, problemStatus: String? = nil, isProtected: Bool = false, isDeleted: Bool = false,
        isArchived: Bool = false, isMixed: Bool = false, parties: [String] = [], callLegs: [Sid] = [],
        media: [ReplayMedia] = [], externalData: Set<ExternalDatum> = []
    ) {
        self.id = id
        self.callID = callID
        self.sid = sid
        self.start = start
        self.stop = stop
        self.length = length
        self.state = state
        self.problemStatus = problemStatus
        self.isProtected = isProtected
        self.isDeleted = isDeleted
        self.isArchived = isArchived
        self.isMixed = isMixed
        self.parties = parties
        self.callLegs = callLegs
        self.media = media
        self.externalData = externalData
    }
}

extension ReplayRecording {
    /// Whether the replay's own tools took its media away, and did not bring them back.
    package var isTakenAway: Bool { (isDeleted || isArchived) && !isRestored }
}

/// One media row of a recording at the replay.
package struct ReplayMedia: Hashable, Sendable {
    /// `cfiles.id` at the replay.
    package var id: Int64
    package var kind: MediaKind
    package var path: FilePath
    /// Bytes; nil where the row claims none.
    package var size: Int64?
    package var keyID: String?
    package var start: WallTime?
    package var stop: WallTime?
    package var properties: String?
    package init(
        id: Int64, kind: MediaKind, path: FilePath, size: Int64? = nil, keyID: String? = nil, start: WallTime? = nil,
        stop: WallTime? = nil, properties: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.path = path
        self.size = size
        self.keyID = keyID
        self.start = start
        self.stop = stop
        self.properties = properties
    }
}
