package import Vocabulary

/// What `muxer.cfg` says about a site with Genesys Interaction Recording.
package struct GIRSettings: Hashable, Sendable {
    /// A service and who Takeup is there.
    package struct Service: Hashable, Sendable {
        /// `https://host:port`, with a path where one was given, without a slash at the end.
        package let address: String
        package let account: Account
    }

    package struct Account: Hashable, Sendable {
        package let user: String
        package let password: Secret
    }

    /// Where the tools are; nil where the file does not say.
    package struct Tools: Hashable, Sendable {
        package let ffmpeg: FilePath?
        package let ffprobe: FilePath?
        package let openssl: FilePath?
    }

    /// Which calls are searched for, counted back from now.
    package struct Window: Hashable, Sendable {
        package let past: Duration
        /// Zero where it reaches to now.
        package let olderThan: Duration
        /// Nil where the window is asked for as a whole.
        package let split: Split?
    }

    /// Sub-intervals of the window. Invariant: zero < `buffer` < `longest`.
    package struct Split: Hashable, Sendable {
        package let longest: Duration
        /// The longest call that is expected: sub-intervals overlap by it.
        package let buffer: Duration
    }

    /// Which part of the work is this instance's. Invariant: 0 ≤ `id` < `total`.
    package struct Shard: Hashable, Sendable {
        package enum Kind: String, CaseIterable, Sendable { case primary, backup }
        package let kind: Kind
        package let id: Int
        /// Primary instances.
        package let total: Int
    }

    /// What narrows the endless search.
    package enum ExtraQuery: Hashable, Sendable {
        /// By RWS's version: calls with the mark of a screen where it knows that mark, all others where it does not.
        case byVersion
        /// Nothing, whatever the version.
        case disabled
        case parameters([QueryParameter])
    }

    package struct QueryParameter: Hashable, Sendable {
        package let name: String
        /// As it is meant, not as it is written in an address.
        package let value: String
    }

    /// The credential of the unit with the password of a shared database.
    package static let ledgerCredential = "ledger_password"

    package let rws: Service
    /// Hexadecimal.
    package let contactCenter: String
    /// Nil where no recording is encrypted.
    package let rcs: Service?
    /// Nil where the stores ask for no login.
    package let webDAV: Account?
    package let tools: Tools
    package let asksInBulk: Bool
    /// Calls whose screens one bulk question is for; at least 1.
    package let querySliceSize: Int
    package let window: Window
    /// The shortest time between the begins of two searches.
    package let pollInterval: Duration
    package let shard: Shard?
    package let temporaryDirectory: FilePath?
    package let workerThreads: Int
    /// Records of one answer, 1 to 100.
    package let pagination: Int
    package let maxOverlapAllowed: Duration
    package let paddingSliceLength: Duration
    package let extraQuery: ExtraQuery
    /// A single search instead of the endless one; nil where there is none.
    package let batchQuery: [QueryParameter]?
    package let logDirectory: FilePath?
}

/// What the command line of `muxer_process.py` says besides the file's name. It wins over the file.
package struct MuxerArguments: Hashable, Sendable {
    package let type: String?
    package let id: String?
    package let total: String?

    package init(type: String? = nil, id: String? = nil, total: String? = nil) {
        self.type = type
        self.id = id
        self.total = total
    }
}
