import Collectives
import LAM
import LAMData
import LatentEvaluation
import Tensor

/// The latents of some pairs of an evaluation, of which controls take those that they exchange; and what standardises the
/// features of these pairs. Of bounded size, however many pairs there are.
struct LatentBank {
    /// Whose latents they are.
    struct Pair: Equatable {
        var sample: Int
        var dataset: Int
        /// Position in the dataset's table.
        var episode: Int
        var frame: Int
        var target: Int

        func isSame(_ sample: FramePairBatch.Sample, _ first: FrameReference) -> Bool {
            dataset == first.dataset && episode == first.episode && frame == sample.frame && target == sample.target
        }
    }

    private let parts: [LatentPart]
    private(set) var pairs: [Pair] = []
    /// By kind of latents and pair.
    private(set) var latents: [[[Float]]]
    private(set) var moments: ChannelMoments

    /// - Parameter channels: of the features that are predicted.
    init(_ parts: [LatentPart], channels: Int) {
        self.parts = parts
        latents = parts.map { _ in [] }
        moments = ChannelMoments(channels: channels)
    }

    /// Adds the pairs of a batch that are wanted.
    mutating func add(
        _ batch: FramePairBatch, _ result: LAMModule.BatchResult, on backend: any Backend, isWanted: (Int) -> Bool
    ) {
        let places = batch.samples.indices.filter { isWanted(batch.samples[$0].sample) }
        guard !places.isEmpty else { return }
        let all = result.latents.map { backend.floats($0.z) }, target = backend.floats(result.target)
        let size = target.count / batch.samples.count
        for place in places {
            let sample = batch.samples[place], reference = batch.frames[2 * place]
            pairs.append(
                Pair(
                    sample: sample.sample, dataset: reference.dataset, episode: reference.episode, frame: sample.frame,
                    target: sample.target))
            for (part, values) in all.enumerated() {
                let width = parts[part].width
                latents[part].append(Array(values[place * width..<(place + 1) * width]))
            }
            moments.add(target[place * size..<(place + 1) * size])
        }
    }

    /// The pairs of all ranks, in order, the same on each.
    func gathered(over group: any ProcessGroup) throws -> LatentBank {
        guard group.size > 1 else { return self }
        func row(_ pair: Pair, _ values: [[Float]]) -> RankMessage {
            var message = RankMessage()
            message.append("pair", [pair.sample, pair.dataset, pair.episode, pair.frame, pair.target].map(Double.init))
            for (part, values) in values.enumerated() { message.append("latents \(part)", values.map(Double.init)) }
            return message
        }
        let rows = pairs.indices.map { place in row(pairs[place], latents.map { $0[place] }) }
        let none = row(
            Pair(sample: 0, dataset: 0, episode: 0, frame: 0, target: 0),
            parts.map { [Float](repeating: 0, count: $0.width) })
        let all = try group.allGather(rows: rows, like: none, for: "latents").flatMap { $0 }
        var bank = LatentBank(parts, channels: moments.channels)
        for message in all.sorted(by: { $0["pair"][0] < $1["pair"][0] }) {
            let pair = message["pair"].map { Int($0) }
            bank.pairs.append(
                Pair(sample: pair[0], dataset: pair[1], episode: pair[2], frame: pair[3], target: pair[4]))
            for part in parts.indices { bank.latents[part].append(message["latents \(part)"].map { Float($0) }) }
        }
        bank.moments.add(try group.sum(moments.values, for: "feature moments"))
        return bank
    }

    /// The standard deviation over all numbers of a kind of latents.
    func deviation(ofPart part: Int) -> Double {
        let values = latents[part].joined().map(Double.init)
        guard values.count > 1 else { return 0 }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1)).squareRoot()
    }

    /// Numbers that tell the pairs' episodes apart.
    var episodes: [Int] {
        var numbers: [[Int]: Int] = [:]
        return pairs.map { pair in
            let key = [pair.dataset, pair.episode]
            let number = numbers[key] ?? numbers.count
            numbers[key] = number
            return number
        }
    }
}
