package import Files
internal import Synchronization
internal import Vocabulary

/// Attributes that people and programs gave a file (`user.*`, xattr(7)). What belongs to the system that a file lies on
/// (ACLs, `security.*`, `trusted.*`) stays behind: there it means users and policies that are none here.
struct ExtendedAttributes {
    let session: CopySession
    let notes: AttributeNotes
    private var calls: any FileCalls { session.calls }
    private static let wanted = "user."
    /// Bytes; the kernel has no longer list and no longer value.
    private static let limit = 1 << 16

    /// Sets those of `source` on `file`. A volume that does not take them is noted, and nothing fails.
    func copy(from source: HeldFile, to file: HeldFile) throws(CopyError) {
        let names = try names(of: source)
        if names.isEmpty { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ExtendedAttributes.limit, alignment: 1)
        defer { buffer.deallocate() }
        for name in names {
            guard let count = try value(name, of: source, into: buffer) else { continue }
            do throws(FileError) {
                try calls.setAttribute(
                    file.descriptor, named: name, to: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } catch {
                switch error.code {
                // Some file systems have room for few of them.
                case .unsupported, .notPermitted, .noSpace, .quota, .tooLarge: notes.note(error)
                case .notFound, .notDirectory, .exists, .readOnly, .inputOutput, .stale, .nameTooLong, .crossesDevice,
                    .escapes, .busy, .timeout, .interrupted, .exhausted, .other:
                    throw session.failure(error, at: .copy)
                }
                return
            }
        }
    }

    private func names(of source: HeldFile) throws(CopyError) -> [String] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ExtendedAttributes.limit, alignment: 1)
        defer { buffer.deallocate() }
        do throws(FileError) {
            let count = try calls.attributeNames(source.descriptor, into: buffer)
            return buffer[..<count].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.filter {
                $0.hasPrefix(ExtendedAttributes.wanted)
            }
        } catch {
            if error.code == .unsupported { return [] }
            throw CopyError(source: error, at: .copy)
        }
    }

    /// Nil where it was removed meanwhile.
    private func value(
        _ name: String, of source: HeldFile, into buffer: UnsafeMutableRawBufferPointer
    ) throws(CopyError) -> Int? {
        do throws(FileError) {
            return try calls.attribute(source.descriptor, named: name, into: buffer)
        } catch {
            if error.code == .notFound || error.code == .unsupported { return nil }
            throw CopyError(source: error, at: .copy)
        }
    }
}

/// Whether a volume refused extended attributes.
package final class AttributeNotes: Sendable {
    private struct State {
        var refusal: FileError?
        var isTold = false
    }
    private let state = Mutex(State())

    package init() {}

    func note(_ refusal: FileError) { state.withLock { $0.refusal = $0.refusal ?? refusal } }

    /// The first refusal, once.
    package func takeUntold() -> FileError? {
        state.withLock { state in
            if state.isTold { return nil }
            state.isTold = state.refusal != nil
            return state.refusal
        }
    }
}
