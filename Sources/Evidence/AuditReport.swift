internal import FoundationEssentials
internal import Vocabulary

/// Something that an audit found, or did about it.
package struct AuditFinding: Hashable, Codable, Sendable {
    package enum Kind: String, CaseIterable, Codable, Sendable {
        /// Marked, not held, and the recorder has it still.
        case notHeld = "not-held"
        /// Marked, not held, and its bytes stand on a volume.
        case standing
        /// Marked, not held, and its bytes are nowhere.
        case lost
        /// Rows or external data that a mark promises are not here.
        case metadataNotHeld = "metadata-not-held"
        /// Marked, not held, and left by today's switches: collected while they did not, or never.
        case switchedOff = "switched-off"
        case rowsGone = "rows-gone"
        case collision
        case rowRefused = "row-refused"
        /// A held copy is not on its volume.
        case copyMissing = "copy-missing"
        /// A held copy has another size or other bytes.
        case copyChanged = "copy-changed"
        /// Copies on a volume that could not be looked at.
        case copiesUnseen = "copies-unseen"
        case sourceUnseen = "source-unseen"
        /// What was to be repaired could not be.
        case repairFailed = "repair-failed"
    }

    package enum Weight: String, Hashable, Codable, Sendable {
        /// Repaired, or on its way: nothing is left to do about it.
        case seenTo = "seen-to"
        /// A person has to look.
        case stays
        /// The same, and no marks may be given before it is over.
        case blocks
    }

    package var kind: Kind
    package var weight: Weight
    /// `source/id`, where it is about a recording.
    package var recording: String?
    /// One sentence; no telephone number, `sid` or name of a recorder's file.
    package var text: String

    init(_ kind: Kind, _ recording: RecordingReference?, _ text: String, _ weight: Weight) {
        self.kind = kind
        self.weight = weight
        self.recording = recording?.description
        self.text = text
    }
}

/// What an audit came to.
package struct AuditSummary: Hashable, Codable, Sendable {
    /// Marked recordings that were compared.
    package var marked = 0
    package var held = 0
    /// Removed or archived by the replay's own tools.
    package var letGo = 0
    package var givenUp = 0
    package var lacking = 0
    package var lost = 0
    /// Of the lacking, those that lack what today's switches leave.
    package var switchedOff = 0
    /// What was found and is repaired, or on its way.
    package var seenTo = 0
    /// Marks that were taken back.
    package var takenBack = 0
    /// Copies whose files stood on a volume and count again.
    package var adopted = 0
    /// Held copies that were compared with their volumes.
    package var copies = 0
    /// Of these, those that are gone because the replay's own tools took them away.
    package var copiesLetGo = 0
    package var findings: [String: Int] = [:]
    /// Why marking is stopped when the audit ends; nil where marks are given.
    package var markingStopped: String?
    /// Whether this audit let marking go on.
    package var resumed = false

    /// Whether nothing is left that a person has to see to.
    package var passed: Bool { findings.isEmpty }

    package init() {}
}

/// One line of JSON each: findings as they are met, and the summary last. Keys are never renamed or left out within a version;
/// new ones may come.
package enum AuditJSON {
    package static let version = 1

    private struct Last: Encodable {
        let version = AuditJSON.version
        let passed: Bool
        let summary: AuditSummary
    }

    package static func line(_ finding: AuditFinding) -> String { line(encoding: finding) }
    package static func line(_ summary: AuditSummary) -> String {
        line(encoding: Last(passed: summary.passed, summary: summary))
    }

    private static func line(encoding value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension AuditSummary {
    /// The sentences that a person reads last.
    package var sentences: [String] {
        func many(_ number: Int, _ one: String, _ more: String) -> String { "\(number) \(number == 1 ? one : more)" }
        var lines = [
            "\(many(marked, "marked recording", "marked recordings")) compared: \(held) held, \(letGo) let go by the "
                + "replay's own tools, \(givenUp) given up, \(lacking) lacking something, \(lost) of them for good.",
            "\(many(copies, "copy", "copies")) compared with \(copies == 1 ? "its volume" : "their volumes"), \(copiesLetGo) "
                + "let go by the replay's own tools.",
        ]
        if adopted > 0 {
            lines.append("\(many(adopted, "file", "files")) on volumes adopted as the copies that they are.")
        }
        if takenBack > 0 {
            lines.append(
                "\(many(takenBack, "mark was", "marks were")) taken back: nobody deletes those, and what their recorders "
                    + "have is copied again.")
        }
        if switchedOff > 0 {
            lines.append(
                "\(many(switchedOff, "recording lacks", "recordings lack")) what the settings leave at the source. If it was "
                    + "ever collected, switch it on and run the audit again; if it never was, and is not to be, set "
                    + "allow_mark_without_copy = true for that source.")
        }
        if passed {
            lines.append(seenTo == 0 ? "The audit has passed." : "All that was found is repaired or on its way.")
        } else {
            let left = findings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            lines.append("Left to be seen to: \(left).")
        }
        if resumed {
            lines.append("Marking goes on.")
        } else if let markingStopped {
            lines.append("Marking stays stopped: \(markingStopped)")
        }
        return lines
    }
}
