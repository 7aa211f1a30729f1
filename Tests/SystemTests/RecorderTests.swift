internal import Glibc
internal import Postgres
internal import Support
internal import Synchronization
internal import Testing
internal import Vocabulary

@Suite struct RecorderTests {
    @Test(arguments: [CallrecSchema.old, .new])
    func `rows, files and digests agree with the truth`(schema: CallrecSchema) async throws {
        let recorder = try await ScratchRecorder(schema)
        let truths = try await recorder.record { options in
            options.count = 20
            options.encrypted = 20
            options.early = 10
        }
        #expect(truths.count == 20)
        #expect(truths.filter(\.isPair).count == 10)
        for truth in truths {
            #expect(truth.complete != nil)
            #expect(try await recorder.state(of: truth) == "FINISHED")
            #expect(try await recorder.externalCount(of: truth) == truth.external.count)
            for media in truth.media {
                let file = try recorder.file(media)
                #expect(file.sha256 == media.sha256)
                #expect(file.size == media.size)
                let row = try #require(try await recorder.row(media))
                #expect(row.size == media.size)
                #expect(row.path == media.pathHex)
                #expect(row.hasKey == (media.encryption != .none))
                #expect((media.sha256 == media.clearSHA256) == (media.encryption == .none))
            }
        }
        let encryptions = Set(truths.flatMap(\.media).map(\.encryption))
        #expect(encryptions == (schema == .new ? [.none, .attached, .detached] : [.none, .attached]))
    }

    @Test func `a file is seen growing while its row is not finished`() async throws {
        let recorder = try await ScratchRecorder(.new)
        // The call goes on until its growth was seen, however slow the looking is; then it is brought to its end.
        let grown = Mutex<Int64?>(nil)
        let looking = Task {
            while !Task.isCancelled {
                if let size = try await recorder.sizeOfUnfinished(), size > 0 {
                    grown.withLock { $0 = size }
                    return
                }
                await Task.yield()
            }
        }
        let truths = try await recorder.record { options in
            options.count = 1
            options.screens = 0
            options.encrypted = 0
            options.speed = 0.5
        } until: { _ in
            grown.withLock { $0 != nil }
        }
        looking.cancel()
        try await looking.value
        let size = try #require(truths.first?.media.first?.size)
        #expect(try #require(grown.withLock { $0 }) < size)
    }

    @Test func `the same seed gives the same recordings`() {
        var options = RecorderModelPlan.Options()
        options.faults = [.shortFile: 2, .orphan: 1]
        let plan = RecorderModelPlan(options)
        #expect(plan.recordings == RecorderModelPlan(options).recordings)
        #expect(plan.recordings.count == options.count + 3)
        options.seed += 1
        #expect(plan.recordings != RecorderModelPlan(options).recordings)
    }

    @Test func `each fault is at the recorder as it says`() async throws {
        let recorder = try await ScratchRecorder(.new)
        let truths = try await recorder.record { options in
            options.count = 0
            for fault in RecorderModelFault.allCases where fault != .notUnicodeName { options.faults[fault] = 1 }
        }
        func truth(_ fault: RecorderModelFault) throws -> RecorderModelTruth {
            try #require(truths.first { $0.fault == fault })
        }
        #expect(truths.count == RecorderModelFault.allCases.count - 1)
        let missing = try truth(.missingFile)
        #expect(missing.media.allSatisfy { recorder.isAbsent($0) })
        #expect(try await recorder.state(of: missing) == "FINISHED")
        let short = try #require(try truth(.shortFile).media.first)
        #expect(try #require(try await recorder.row(short)).size > recorder.file(short).size)
        let growing = try #require(try truth(.growing).media.first)
        #expect(try #require(try await recorder.row(growing)).size <= 0)
        let orphan = try truth(.orphan)
        #expect(orphan.id == nil)
        #expect(try orphan.media.allSatisfy { try recorder.file($0).size == $0.size })
        #expect(try #require(try truth(.climbingPath).media.first).path.contains("/../"))
        let tampered = try #require(try truth(.tampered).media.first)
        #expect(try recorder.file(tampered).sha256 == tampered.sha256)
        #expect(try truth(.unknownKey).media.allSatisfy { $0.encryption == .attached })
    }

    @Test func `names that are not UTF-8 go into a database that takes them`() async throws {
        let recorder = try await ScratchRecorder(.old, takesAnyBytes: true)
        let truths = try await recorder.record { options in
            options.count = 0
            options.faults = [.notUnicodeName: 1]
        }
        let media = try #require(truths.first?.media.first)
        #expect(try await recorder.row(media)?.path == media.pathHex)
        #expect(media.pathHex.contains("e8ed2e"))
        #expect(try recorder.file(media).sha256 == media.sha256)
    }

    @Test func `what is encrypted opens with the key that its row names`() async throws {
        let recorder = try await ScratchRecorder(.new)
        let truths = try await recorder.record { options in
            options.count = 4
            options.encrypted = 100
        }
        let sealed = truths.flatMap(\.media).filter { $0.encryption != .none }
        #expect(sealed.contains { $0.encryption == .attached } && sealed.contains { $0.encryption == .detached })
        for media in sealed {
            #expect(try await recorder.clearSHA256(media) == media.clearSHA256)
        }
    }

    @Test func `a stop ends the calls that are on and begins no more`() async throws {
        let recorder = try await ScratchRecorder(.new)
        let truths = try await recorder.record { options in
            options.count = 100
            options.rate = 1
        } until: {
            $0 >= 2
        }
        #expect(truths.count >= 2 && truths.count < 100)
        #expect(truths.allSatisfy { $0.complete != nil })
    }
}
