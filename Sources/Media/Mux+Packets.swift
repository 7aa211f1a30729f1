package import Planning
internal import Vocabulary

extension MediaTools {
    /// Whether all packets of a plan are copied as they are, as far as can be told before: then who muxes it can have the
    /// result's pictures decoded rather than the screens'.
    package func copiesPackets(_ plan: MuxPlan, sound: MuxInput, screens: [MuxInput]) -> Bool {
        let shown = plan.shownPieces.compactMap(\.screen)
        return plan.picture == .copy && plan.sound == .copy && plan.cuts.isEmpty
            && sound.format == .mp3 && sound.quick != nil && Set(shown).count == shown.count
            && shown.allSatisfy { screens[$0].quick != nil && !screens[$0].hasMoreThanPictures }
            && plan.pieces.allSatisfy { piece in
                switch piece.content {
                case .padding: true
                case .screen(_, let from, let stretch): from == .zero && stretch == 1
                }
            }
    }
}

extension MuxJob {
    /// Joins the packets of sound and screens without a tool, and verifies the result. Nil where that cannot be done, or does
    /// not pass. Throws ``MediaError`` as ``MediaTools/mux(_:sound:screens:labels:into:name:tolerance:decoding:)`` does.
    func copyPackets() async throws(MediaError) -> MediaFacts? {
        guard tools.copiesPackets(plan, sound: sound, screens: screens) else { return nil }
        do throws(MediaError) {
            guard let written = try await writePackets() else { return nil }
            var origin = CopyOrigin()
            origin.sound = sound.quick?.sound ?? []
            origin.joined = joined(plan.shownPieces, black: written.slice)
            return try await tools.verify(
                result, of: plan, tolerance: tolerance, origin: origin, pictures: copiedPictures, decoding: extent)
        } catch {
            switch error.code {
            // What ffmpeg makes of them is verified as well.
            case .mismatch, .malformed, .unsupported, .toolFailed, .toolKilled, .converterFailed: return nil
            case .noKey, .wrongKey, .truncated, .damaged, .toolMissing, .toolStarved, .timedOut, .cancelled, .io:
                throw error
            }
        }
    }

    private struct Written {
        /// The checksum of the slice's picture; nil where there is no padding.
        let slice: UInt64?
    }

    /// Nil where something is unusual, or no slice joins.
    private func writePackets() async throws(MediaError) -> Written? {
        let shown = plan.shownPieces
        var slice: HeldSlice?
        if shown.contains(where: \.isPadding), let model = shown.compactMap(\.screen).first {
            slice = try await self.slice(like: screens[model])
        }
        defer { withExtendedLifetime(slice) {} }
        let black = slice?.descriptor
        return try await onOwnThread("mux") { isCancelled throws(MediaError) in
            guard
                let copy = try PacketCopy(
                    plan, sound: sound, screens: screens, slice: black, sliceLength: tools.sliceLength)
            else { return nil }
            try PacketCopyFile(copy, comment: labels.text).write(to: result, isCancelled: isCancelled)
            guard let black else { return Written(slice: nil) }
            let known = try QuickProbe.read(black, format: .mp4, role: "the padding")
            return known?.picture.first.map { Written(slice: $0) }
        }
    }
}
