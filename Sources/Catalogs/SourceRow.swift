package import Vocabulary

/// What a look made of one row: a recording, or why it cannot be one. A bad row never takes others with it.
package enum SourceRow: Hashable, Sendable {
    case recording(SourceRecording)
    /// A sentence that says what is wrong with the row, without the value: that may be a phone number.
    case refused(RecordingReference, String)

    package var reference: RecordingReference {
        switch self {
        case .recording(let recording): recording.reference
        case .refused(let reference, _): reference
        }
    }
    package var recording: SourceRecording? {
        switch self {
        case .recording(let recording): recording
        case .refused: nil
        }
    }
}

/// Which recordings a look wants.
package struct SourceQuery: Hashable, Sendable {
    /// `stop` from here, by the recorder's clock.
    package var lower: WallTime
    /// `stop` before this.
    package var upper: WallTime
    package var onlyFinished: Bool
    package var marks: WantedMarks
    package var order: SourceOrder

    package init(
        lower: WallTime, upper: WallTime, onlyFinished: Bool = true, marks: WantedMarks = .none,
        order: SourceOrder = .oldestFirst
    ) {
        self.lower = lower
        self.upper = upper
        self.onlyFinished = onlyFinished
        self.marks = marks
        self.order = order
    }
}

/// In which order pages are gone through.
package enum SourceOrder: Hashable, Sendable {
    case oldestFirst, newestFirst
}

package enum WantedMarks: Hashable, Sendable {
    /// Those without a mark: what is to be done.
    case none
    /// Those without a mark, and those that one of these marks re-opens.
    case noneOr(Set<Mark>)
    /// Those that have one of these marks: to follow late changes, and for audits.
    case only(Set<Mark>)
}

/// A place in the order of `(stop, id)`.
package struct SourceCursor: Hashable, Codable, Sendable {
    package let stop: WallTime
    package let id: Int64
    package init(stop: WallTime, id: Int64) {
        self.stop = stop
        self.id = id
    }
}

/// One page of a look.
package struct SourceBatch: Hashable, Sendable {
    package var rows: [SourceRow]
    /// Where the next page begins; nil when this was the last.
    package var next: SourceCursor?
    package init(rows: [SourceRow], next: SourceCursor?) {
        self.rows = rows
        self.next = next
    }
}
