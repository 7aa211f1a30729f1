import Media
import Planning
import Support
import Testing
import Vocabulary

@Suite struct ContainerCheckTests {
    @Test func `what real encoders write is whole, and no part of it is`() throws {
        let scratch = try Scratch()
        let speech = try readSample(try scratch.samples.speech(seconds: 6))
        let screen = try readSample(try scratch.samples.screen(seconds: 2))
        for (bytes, name) in [(speech, "a.mp3"), (screen, "a.mp4")] {
            let whole = try scratch.open(bytes)
            #expect(try Container.check(whole.descriptor, name: FilePath(name)) == .whole)
            for share in [1, 30, 60, 99] {
                let part = try scratch.open(Array(bytes[..<(bytes.count * share / 100 - 1)]))
                guard case .broken = try Container.check(part.descriptor, name: FilePath(name)) else {
                    Issue.record("\(share) % of \(name)")
                    continue
                }
            }
        }
    }

    @Test(arguments: CMSSamples.Form.allCases)
    func `an encrypted file is whole, and no part of it is, under any name`(_ form: CMSSamples.Form) throws {
        let scratch = try Scratch()
        try writeSample(noise(20_000), to: scratch.file("clear"))
        try scratch.cms.encrypt(scratch.file("clear"), to: scratch.file("cipher"), for: [.rsa], form: form)
        let bytes = try readSample(scratch.file("cipher"))
        for name in ["a.mp4", "a.mp3.bin"] {
            let whole = try scratch.open(bytes)
            #expect(try Container.check(whole.descriptor, name: FilePath(name), isEncrypted: true) == .whole)
            for length in [100, 5000, bytes.count - 3] {
                let part = try scratch.open(Array(bytes[..<length]))
                guard case .broken = try Container.check(part.descriptor, name: FilePath(name), isEncrypted: true)
                else {
                    Issue.record("\(length) bytes of \(name)")
                    continue
                }
            }
        }
    }

    @Test func `bare ciphertext and what is no regular file tell nothing`() throws {
        let scratch = try Scratch()
        let bare = try scratch.open(noise(1000))
        #expect(try Container.check(bare.descriptor, name: FilePath("a.mp3.bin"), isEncrypted: true) == .unknown)
        let device = try OpenSample("/dev/null")
        #expect(try Container.check(device.descriptor, name: FilePath("a.mp4")) == .unknown)
        let empty = try scratch.open([], "empty")
        #expect(try Container.check(empty.descriptor, name: FilePath("a.bin")) == .broken(.empty))
    }
}
