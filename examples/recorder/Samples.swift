internal import ArgumentParser
internal import Support

struct Samples: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the samples where they are missing, and print where the key and its certificate lie.")

    @OptionGroup var media: MediaOption

    func run() throws {
        let samples = try RecorderModelMedia(directory: media.media)
        print("key=\(samples.keyPath)")
        print("certificate=\(samples.certificatePath)")
        print("key_id=\(RecorderModelLayout(mountPrefix: "").keyID)")
    }
}
