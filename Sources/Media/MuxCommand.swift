internal import Planning
internal import Vocabulary

/// The words for ffmpeg that carry out a plan. Pure: what is opened and in which order is the caller's.
///
/// Descriptors are counted from 0, in the order in which the caller gives them to the tool.
struct MuxCommand {
    let plan: MuxPlan
    let soundFormat: MediaFormat
    let sound: StreamFacts
    let labels: MuxLabels

    /// Everything behind the inputs, of which the pictures are `picture` and the sound is `0:a` of input `soundInput`.
    private func output(picture: [String], soundInput: Int, to descriptor: Int) -> [String] {
        ["-map_metadata", "-1", "-map_chapters", "-1"] + picture + ["-map", "\(soundInput):a:0"] + soundCodec
            + ["-t", secondsText(plan.duration), "-metadata", "comment=\(labels.text)"]
            // Nothing of the day or the encoder's version: equal inputs make an equal result.
            + ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
            + ["-movflags", "+faststart", "-f", "mp4", "-y", MediaTools.path(ofDescriptor: descriptor)]
    }

    private var soundCodec: [String] {
        switch plan.sound {
        case .copy: return ["-c:a", "copy"]
        case .encode:
            let perChannel = sound.sampleRate <= 12_000 ? 32 : sound.sampleRate <= 24_000 ? 48 : 80
            return [
                "-c:a", "aac", "-b:a", "\(perChannel * max(1, min(2, sound.channels)))k", "-ac",
                "\(max(1, min(2, sound.channels)))",
            ]
        }
    }

    /// Times of copied pictures: the last one stands until the end, and where the first stands from the start on, it is
    /// shown at once. What a cut at the end could not leave out, as others need it, is squeezed into its last moment.
    private func stamps(of picture: StreamFacts, stillFrom delay: Duration) -> [String] {
        let end = "\(secondsText(plan.duration))/TB"
        var shown = "PTS"
        var decoded = "DTS"
        if delay > .zero {
            shown = "if(eq(N,0),0,PTS)"
            decoded = "if(eq(N,0),round(DTS-\(secondsText(delay))/TB),DTS)"
        }
        if picture.reorderTicks != 0 {
            let rate = max(1, fraction(picture.frameRate) ?? 1)
            let span = 2 * Double(picture.reorderTicks) * (fraction(picture.timeBase) ?? 0) + 2 / rate
            shown = "if(lt(PTS,\(end)),\(shown),max(DTS,\(end)-64+min(63,(PTS-\(end))*TB/\(span)*60)))"
        }
        let duration = "if(eq(NEXT_DTS,NOPTS),max(1,\(end)-PTS),DURATION)"
        return ["-bsf:v", "setts=pts='\(shown)':dts='\(decoded)':duration='\(duration)'"]
    }

    private static let common = ["-nostdin", "-v", "error", "-threads", "2"]

    /// Pictures copied from one screen, its stream of that number, which begins `delay` after the sound; its first picture
    /// stands until then. Descriptors: screen, sound, result.
    func copyingOne(_ picture: StreamFacts, stream: Int, delay: Duration) -> [String] {
        Self.common + (delay > .zero ? ["-itsoffset", secondsText(delay)] : [])
            + MediaFormat.mp4.inputOptions + ["-i", MediaTools.path(ofDescriptor: 0)]
            + soundFormat.inputOptions + ["-i", MediaTools.path(ofDescriptor: 1)]
            + output(
                picture: ["-map", "0:\(stream)", "-c:v", "copy"] + stamps(of: picture, stillFrom: delay), soundInput: 1,
                to: 2
            )
    }

    /// Pictures copied from files one behind the other, as `joinList` names them, the first of which begins `delay` after
    /// the sound. Descriptors: list, sound, result, files.
    func copyingJoined(_ picture: StreamFacts, delay: Duration) -> [String] {
        Self.common + (delay > .zero ? ["-itsoffset", secondsText(delay)] : [])
            + ["-f", "concat", "-safe", "0", "-protocol_whitelist", "file,pipe", "-format_whitelist", "concat,mov"]
            + ["-i", MediaTools.path(ofDescriptor: 0)]
            + soundFormat.inputOptions + ["-i", MediaTools.path(ofDescriptor: 1)]
            + output(
                picture: ["-map", "0:v:0", "-c:v", "copy"] + stamps(of: picture, stillFrom: delay), soundInput: 1, to: 2
            )
    }

    struct JoinEntry {
        let descriptor: Int
        let start: Duration
        /// Where it is cut, in its own time.
        var cut: Duration?
    }

    /// What is one behind the other. Each starts exactly where the plan says, whatever its own pictures sum up to.
    static func joinList(_ entries: [JoinEntry]) -> String {
        var list = "ffconcat version 1.0\n"
        for (number, entry) in entries.enumerated() {
            list += "file '\(MediaTools.path(ofDescriptor: entry.descriptor))'\n"
            if let cut = entry.cut { list += "outpoint \(secondsText(cut))\n" }
            if number + 1 < entries.count {
                list += "duration \(secondsText(entries[number + 1].start - entry.start))\n"
            }
        }
        return list
    }

    /// When slices of `length` begin that fill a span. A thousand are enough for any: then they stand longer.
    static func sliceStarts(from start: Duration, to end: Duration, length: Duration) -> [Duration] {
        let step = max(length, (end - start) / 1000, .milliseconds(1))
        return Array(sequence(first: start) { $0 + step < end ? $0 + step : nil })
    }

    /// The pictures of a screen in other times: its clock ran wrong. Descriptors: screen, result.
    static func restamping(_ picture: StreamFacts, by stretch: Double) -> [String] {
        common + ["-itsscale", "\(stretch)"] + MediaFormat.mp4.inputOptions
            + ["-i", MediaTools.path(ofDescriptor: 0), "-map", "0:\(picture.index)", "-c:v", "copy"]
            + ["-video_track_timescale", timescale(of: picture), "-f", "mp4", "-y", MediaTools.path(ofDescriptor: 1)]
    }

    private static func timescale(of picture: StreamFacts) -> String {
        picture.timeBase.split(separator: "/").last.map(String.init) ?? "90000"
    }

    /// Encoder options that may give the parameter sets of `picture`: its encoder's own where that told them, else those
    /// of usual presets.
    static func encoders(for picture: StreamFacts, traits: EncoderTraits?) -> [[String]] {
        let profiles = ["Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main", "High": "high"]
        let profile = profiles[picture.profile].map { ["-profile:v", $0] } ?? []
        if let traits { return [["-preset", "medium", "-x264-params", traits.parameters] + profile] }
        let presets = picture.profile.hasSuffix("Baseline") ? ["ultrafast"] : ["veryfast", "medium"]
        return presets.map { ["-preset", $0] + profile }
    }

    /// One black key picture of the size, rate and ticks of `picture`, decoded as long before it is shown. Descriptor:
    /// result.
    static func paddingSlice(like picture: StreamFacts, encoder: [String]) -> [String] {
        let source = "color=c=black:s=\(picture.width)x\(picture.height):r=\(picture.frameRate)"
        return common + ["-f", "lavfi", "-i", source, "-frames:v", "1", "-c:v", "libx264"] + encoder
            + ["-pix_fmt", picture.pixelFormat, "-video_track_timescale", timescale(of: picture)]
            + ["-bsf:v", "setts=pts=PTS:dts=DTS-\(picture.reorderTicks)"]
            + ["-f", "mp4", "-y", MediaTools.path(ofDescriptor: 0)]
    }

    /// All that a slice depends on.
    static func sliceKey(_ picture: StreamFacts) -> String {
        "1 \(picture.parameters ?? "") \(picture.width)x\(picture.height) \(picture.frameRate) \(picture.timeBase) "
            + "\(picture.pixelFormat) \(picture.reorderTicks)"
    }

    /// All pictures encoded anew. Descriptors: result, sound, then the screens in the order of their first piece.
    ///
    /// - Parameter streams: which stream of each screen holds its pictures.
    func encoding(screens: [Int], streams: [Int]) -> [String] {
        let inputs = screens.indices.flatMap {
            // Pictures that change their size half way are scaled; the graph must not start anew.
            ["-reinit_filter", "0", "-threads", screens.count > 8 ? "1" : "2"] + MediaFormat.mp4.inputOptions + [
                "-i", MediaTools.path(ofDescriptor: 2 + $0),
            ]
        }
        return Self.common + inputs
            + soundFormat.inputOptions + ["-i", MediaTools.path(ofDescriptor: 1)]
            + ["-filter_complex_threads", "2", "-filter_complex", graph(screens: screens, streams: streams)]
            + output(picture: ["-map", "[picture]"] + pictureCodec, soundInput: screens.count, to: 0)
    }

    private var pictureCodec: [String] {
        // Small text has to stay readable; a key picture every five seconds keeps seeking quick.
        ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "\(5 * plan.frameRate)", "-pix_fmt", "yuv420p"]
            + keyPictures
    }

    /// Blanked pictures are made of none that is seen, nor the other way round.
    private var keyPictures: [String] {
        let edges = blankedPictures.flatMap { [seconds($0.lowerBound), seconds($0.upperBound + 1)] }
        return edges.isEmpty ? [] : ["-force_key_frames", edges.joined(separator: ",")]
    }

    /// Pieces are counted in whole pictures of the result, by rounding where each begins: errors stay below half a
    /// picture, and do not add up.
    private func graph(screens: [Int], streams: [Int]) -> String {
        let rate = plan.frameRate
        func pictures(_ time: Duration) -> Int64 {
            (time.wholeMicroseconds * Int64(rate) + 500_000) / 1_000_000
        }
        var chains: [String] = []
        var useCounts = [Int: Int]()
        let pieces = plan.shownPieces
        for (number, piece) in pieces.enumerated() {
            let isLast = number == pieces.count - 1
            let count = pictures(isLast ? plan.duration : piece.end) - pictures(piece.start)
            // The first picture stands from the start on.
            let lead = number == 0 ? pictures(piece.start) : 0
            guard count > 0 else { continue }
            let name = "piece\(chains.count)"
            switch piece.content {
            case .padding:
                chains.append(
                    "color=c=black:s=\(plan.width)x\(plan.height):r=\(rate),format=yuv420p,setsar=1,"
                        + "trim=end_frame=\(count),setpts=PTS-STARTPTS[\(name)]")
            case .screen(let screen, let from, let stretch):
                guard let input = screens.firstIndex(of: screen) else { continue }
                useCounts[input, default: 0] += 1
                let first = pictures(.microseconds(Int64((Double(from.wholeMicroseconds) * stretch).rounded())))
                let last = first + count
                // Before any picture is repeated: one of a masked time stands for nothing.
                let shift =
                    Duration.microseconds(Int64((Double(from.wholeMicroseconds) * stretch).rounded())) - piece.start
                let hidden = blank(shiftedBy: shift)
                chains.append(
                    "[\(input):\(streams[input])]setpts=PTS*\(stretch),"
                        + "scale=\(plan.width):\(plan.height):force_original_aspect_ratio=decrease:eval=frame,"
                        + "pad=\(plan.width):\(plan.height):(ow-iw)/2:(oh-ih)/2:black:eval=frame,format=yuv420p,setsar=1,"
                        + hidden
                        // The last picture stands until the piece ends.
                        + "fps=\(rate):start_time=0,tpad=stop=-1:stop_mode=clone,"
                        + "trim=start_frame=\(first):end_frame=\(last),setpts=PTS-STARTPTS"
                        + (lead > 0 ? ",tpad=start=\(lead):start_mode=clone" : "") + "[\(name)]")
            }
        }
        let names = chains.indices.map { "[piece\($0)]" }.joined()
        let joined = chains.joined(separator: ";") + ";\(names)concat=n=\(chains.count):v=1:a=0"
        // What stood from before a masked time on.
        let within = blankedPictures.map {
            "between(t,\(seconds($0.lowerBound, -0.25)),\(seconds($0.upperBound, 0.25)))"
        }
        return joined + (within.isEmpty ? "" : "[joined];[joined]" + MuxCommand.black(when: within)) + "[picture]"
    }

    /// The pictures of the result that are shown within a blanked span, in part or whole.
    private var blankedPictures: [ClosedRange<Int64>] {
        let rate = Int64(plan.frameRate)
        return plan.blanked.map { span in
            let first = span.start.wholeMicroseconds * rate / 1_000_000
            return first...max(first, span.end.wholeMicroseconds * rate / 1_000_000)
        }
    }

    /// When a picture of the result begins, moved by a part of a picture.
    private func seconds(_ picture: Int64, _ part: Double = 0) -> String {
        secondsText(.microseconds(Int64((Double(picture) + part) / Double(plan.frameRate) * 1e6)))
    }

    /// A filter with a comma behind it; nothing where nothing is blanked.
    private func blank(shiftedBy shift: Duration) -> String {
        if plan.blanked.isEmpty { return "" }
        let within = plan.blanked.map { "between(t,\(secondsText($0.start + shift)),\(secondsText($0.end + shift)))" }
        return MuxCommand.black(when: within) + ","
    }

    private static func black(when conditions: [String]) -> String {
        "drawbox=x=0:y=0:w=iw:h=ih:t=fill:color=black:enable='\(conditions.joined(separator: "+"))'"
    }
}

extension MuxPlan {
    /// What is shown, where still pictures stand in for padding: screens alone, each until the next begins or the end; the
    /// first may begin after the start.
    var shownPieces: [Piece] {
        guard padding == .still else { return pieces }
        var shown: [Piece] = []
        for piece in pieces {
            if !piece.isPadding {
                shown.append(piece)
            } else if let last = shown.last {
                shown[shown.count - 1].duration = piece.end - last.start
            }
        }
        return shown
    }
}
