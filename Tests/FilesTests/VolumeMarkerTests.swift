import Files
import Glibc
import Support
import Testing
import Vocabulary

@Suite struct VolumeMarkerTests {
    @Test func `a volume gets one identity for good`() async throws {
        try await ScratchDirectory.with { scratch in
            let root = try KernelFiles().openRoot(scratch.path)
            #expect(try VolumeMarker.read(in: root.descriptor) == .absent)
            let first = try VolumeMarker.create(in: root.descriptor)
            #expect(!first.wasThere)
            #expect(try VolumeMarker.read(in: root.descriptor) == .volume(first.id))
            let again = try VolumeMarker.create(in: root.descriptor)
            #expect(again.id == first.id)
            #expect(again.wasThere)
            #expect(try scratch.files() == [VolumeMarker.name])
            let text = String(decoding: try scratch.read(VolumeMarker.name) ?? [], as: UTF8.self)
            #expect(text.hasPrefix(first.id.rawValue + "\n"))
            #expect(text.hasSuffix(".\n"))
        }
    }

    @Test(arguments: ["", "\n", "ABCDEF01-0000-4000-8000-000000000000\n", "00000000-0000-4000-8000-00000000000\n", "x"])
    func `a file of that name that names no volume stays as it is`(text: String) async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.write(Array(text.utf8), to: VolumeMarker.name)
            let root = try KernelFiles().openRoot(scratch.path)
            #expect(try VolumeMarker.read(in: root.descriptor) == .malformed)
            #expect(throws: FileError.self) { try VolumeMarker.create(in: root.descriptor) }
            #expect(try scratch.read(VolumeMarker.name) == Array(text.utf8))
        }
    }

    @Test(arguments: FileCall.allCases)
    func `whatever call fails, there is a whole marker or none`(failing: FileCall) async throws {
        try await ScratchDirectory.with { scratch in
            let root = try KernelFiles().openRoot(scratch.path)
            let calls = FaultyFiles { call, _ in call == failing ? .fail(EIO) : nil }
            let created = try? VolumeMarker.create(in: root.descriptor, with: calls)
            switch try VolumeMarker.read(in: root.descriptor) {
            case .volume(let id): #expect(created == nil || created?.id == id)
            case .absent: #expect(created == nil)
            case .malformed: Issue.record("half a marker")
            }
            #expect(try VolumeMarker.create(in: root.descriptor).id.rawValue.count == 36)
        }
    }
}
