internal import Vocabulary

/// One file of a recording as it will lie at the recorder, and what its row will say of it.
struct RecorderModelContent: Sendable {
    var kind: MediaKind
    /// The recorder's own absolute path, as its row has it.
    var path: FilePath
    /// What is really written.
    var bytes: [UInt8]
    var clearSHA256: String
    /// What the row claims.
    var claimedSize: Int64
    var crc32: UInt32?
    var encryption: RecorderModelPlan.Encryption
    var keyID: String?
    var properties: String?
    /// How much later than the sound it starts.
    var delaySeconds: Int
    /// Nothing is written: the row names what is not there, or what lies elsewhere.
    var isAbsent = false
    /// The path becomes a symbolic link to this.
    var linkTarget: String?
}

/// Where a recorder keeps what, in its own view, and how it encrypts.
package struct RecorderModelLayout: Sendable {
    /// What is put before the recorder's own paths to reach them here.
    package var mountPrefix: String
    package var callsRoot = "/opt/callrec/data/calls"
    package var screensRoot = "/opt/callrec/data/screens"
    /// `managed_keys.uuid` of the key that opens what is encrypted.
    package var keyID = "5f0c2b1e-6a3d-4c7e-9b58-1d2f3a4b5c6d"
    package init(mountPrefix: String) { self.mountPrefix = mountPrefix }
}

/// Makes the files of recordings: samples, marks, names, encryption, and what a fault does to them.
struct RecorderModelMaker: Sendable {
    let media: RecorderModelMedia
    let layout: RecorderModelLayout
    let seed: UInt64
    /// Old tables have no column for a detached envelope.
    let canDetach: Bool

    func contents(of plan: RecorderModelPlan.Recording, start: WallTime) throws -> [RecorderModelContent] {
        let mark = RecorderModelMaker.mark(seed: seed, number: plan.number)
        var contents = [
            try content(
                plan, .audio, path(layout.callsRoot, plan, start, "mp3"),
                media.sound(seconds: plan.seconds, mark: mark), delay: 0)
        ]
        if let screen = plan.screen {
            let seconds = plan.seconds - screen.delaySeconds
            if screen.hasMP4 {
                contents.append(
                    try content(
                        plan, .video, path(layout.screensRoot, plan, start, "mp4"),
                        media.screen(seconds: seconds, mark: mark), delay: screen.delaySeconds))
            }
            if screen.hasRECD {
                var chance = RecorderModelPlan.Chance(state: seed &+ UInt64(plan.number))
                contents.append(
                    try content(
                        plan, .recd, path(layout.screensRoot + "/recd", plan, start, "recd"),
                        RecorderModelMedia.opaqueScreen(seconds: seconds, mark: mark, &chance),
                        delay: screen.delaySeconds))
            }
        }
        return contents.map { damaged($0, plan.fault) }
    }

    /// What makes the files of a recording its own.
    static func mark(seed: UInt64, number: Int) -> String { "recorder \(seed) recording \(number)" }

    private func content(
        _ plan: RecorderModelPlan.Recording, _ kind: MediaKind, _ path: FilePath, _ clear: [UInt8], delay: Int
    ) throws -> RecorderModelContent {
        var content = RecorderModelContent(
            kind: kind, path: path, bytes: clear, clearSHA256: "", claimedSize: 0, encryption: .none,
            delaySeconds: delay)
        if kind != .recd {
            // A screen whose index is missing was never closed, so it is cut before anything is made of it.
            if kind == .video && plan.fault == .screenWithoutIndex {
                content.bytes = RecorderModelMedia.withoutIndex(clear)
            }
            if kind == .audio && plan.fault == .truncatedSound { content.bytes = Array(clear.prefix(clear.count / 2)) }
        }
        let unsealed = content.bytes
        content.clearSHA256 = RecorderModelChecksum.sha256(unsealed)
        if kind != .recd { try encrypt(&content, plan) }
        content.claimedSize = plan.isUnsized ? (plan.number.isMultiple(of: 2) ? 0 : -1) : Int64(content.bytes.count)
        // Of encrypted media nobody knows which bytes the sum covers: both occur.
        if plan.number.isMultiple(of: 2) || plan.fault == .wrongChecksum {
            content.crc32 = RecorderModelChecksum.crc32(plan.number.isMultiple(of: 4) ? unsealed : content.bytes)
        }
        return content
    }

    private func encrypt(_ content: inout RecorderModelContent, _ plan: RecorderModelPlan.Recording) throws {
        let certificate = plan.fault == .wrongKey ? media.strangerCertificate : media.certificate
        switch plan.encryption {
        case .none: return
        case .detached where canDetach:
            let sealed = try RecorderModelEnvelope.detached(content.bytes, for: certificate)
            content.bytes = sealed.cipher
            content.encryption = .detached
            let lines = sealed.envelope.split(separator: "\n").joined(separator: "\\n")
            content.properties = "{\"pkcs7\": \"\(lines)\\n\"}"
        case .attached, .detached:
            content.bytes = try RecorderModelEnvelope.attached(content.bytes, for: certificate)
            content.encryption = .attached
        }
        content.keyID = plan.fault == .unknownKey ? "00000000-0000-4000-8000-000000000000" : layout.keyID
    }

    /// What happens to the file after its row was made up.
    private func damaged(_ content: RecorderModelContent, _ fault: RecorderModelFault?) -> RecorderModelContent {
        var content = content
        switch fault {
        case .missingFile: content.isAbsent = true
        case .shortFile: content.bytes = Array(content.bytes.prefix(content.bytes.count * 2 / 3))
        case .wrongChecksum: content.crc32 = content.crc32.map { $0 ^ 1 }
        case .climbingPath where content.kind == .audio:
            content.path = FilePath(layout.callsRoot + "/../../../../etc/passwd")
            content.isAbsent = true
        case .leadingOut where content.kind == .audio: content.linkTarget = "/etc/passwd"
        case .tampered: content.bytes[content.bytes.count / 2] ^= 1
        case nil, .lateFile, .truncatedSound, .screenWithoutIndex, .growing, .orphan, .climbingPath, .leadingOut,
            .wrongKey, .unknownKey, .lineBreakName, .notUnicodeName:
            break
        }
        return content
    }

    /// Day folder and a name such as recorders make: with numbers, plus signs, blanks, letters of any language.
    private func path(
        _ root: String, _ plan: RecorderModelPlan.Recording, _ start: WallTime, _ suffix: String
    ) -> FilePath {
        let time = start.secondsText(separator: "_").filter { $0 != "-" && $0 != ":" }
        let folder = FilePath(root).appending(start.dayFolder)
        var name = Array("\(time)_\(seed)-\(plan.number)".utf8)
        switch (plan.fault, plan.number % 4) {
        case (.lineBreakName, _): name += Array("_line\nbreak".utf8)
        case (.notUnicodeName, _): name += Array("_hovor ".utf8) + [0xe8, 0xed, 0x2e]
        case (_, 0): name += Array("_\(plan.caller) to \(4000 + plan.agent)".utf8)
        case (_, 1): name += Array("_\(plan.caller)".utf8)
        case (_, 2): name += Array(" hovor č. \(plan.number)".utf8)
        default: break
        }
        return folder.appending(name + Array(".\(suffix)".utf8))
    }
}
