import AcceleratorTestSupport
import Foundation
import PJRT
import Testing

@Suite(
    "The CPU plugin",
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct CPUPluginTests {
    let client: Client
    let device: Device

    init() throws {
        client = try #require(TestPlugin.client)
        device = client.devices[0]
    }

    private func buffer(_ values: [Float], _ shape: [Int]) throws -> Buffer {
        try values.withUnsafeBytes { try Buffer($0, .f32, shape, on: device, of: client) }
    }

    private func floats(_ buffer: Buffer) throws -> [Float] {
        var values = [Float](repeating: .nan, count: buffer.shape.reduce(1, *))
        try values.withUnsafeMutableBytes { try buffer.download(into: $0) }
        return values
    }

    private static let step = """
        module @step {
          func.func public @main(%a: tensor<2x3xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<3x2xf32>) -> (tensor<2x3xf32>, tensor<2x2xf32>) {
            %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
            %1 = stablehlo.add %a, %a : tensor<2x3xf32>
            return %1, %0 : tensor<2x3xf32>, tensor<2x2xf32>
          }
        }
        """

    @Test("tells who it is")
    func identity() throws {
        #expect(client.platform == "cpu")
        #expect(client.devices.count == 4)
        #expect(!client.platformVersion.isEmpty)
        let attributes = try client.plugin.attributes()
        #expect(attributes["stablehlo_current_version"]?.count == 3)
    }

    @Test("arrays of any type come back as they went", arguments: ElementType.allCases)
    func roundTrip(type: ElementType) throws {
        for shape in [[], [0], [5], [2, 3, 4]] {
            let bytes = (0..<shape.reduce(1, *) * type.byteSize).map { type == .bool ? UInt8($0 % 2) : UInt8($0 % 251) }
            let buffer = try bytes.withUnsafeBytes { try Buffer($0, type, shape, on: device, of: client) }
            var back = [UInt8](repeating: 0, count: bytes.count)
            try back.withUnsafeMutableBytes { try buffer.download(into: $0) }
            #expect(back == bytes)
        }
    }

    @Test("a program runs, and results take the place of arguments given away")
    func runs() throws {
        let program = try Executable(text: Self.step, on: client)
        #expect(program.outputs == 2)
        let a = try buffer([1, 2, 3, 4, 5, 6], [2, 3]), b = try buffer([1, 0, 0, 1, 1, 1], [3, 2])
        let address = try a.address()
        let (results, done) = try program.run([[a, b]], results: [(.f32, [2, 3]), (.f32, [2, 2])])
        try done[0].wait(seconds: 60)
        #expect(try floats(results[0][1]) == [4, 5, 10, 11])
        #expect(try floats(results[0][0]) == [2, 4, 6, 8, 10, 12])
        #expect(try results[0][0].address() == address)
        #expect(throws: PJRTError.self) { try program.run([[a, b]], results: [(.f32, [2, 3]), (.f32, [2, 2])]) }
    }

    @Test("a compiled program is saved and loaded, and a damaged one is an error")
    func serialization() throws {
        let saved = try Executable(text: Self.step, on: client).serialized()
        let program = try saved.withUnsafeBytes { try Executable(serialized: $0, on: client) }
        let (results, _) = try program.run(
            [[buffer([1, 2, 3, 4, 5, 6], [2, 3]), buffer([1, 0, 0, 1, 1, 1], [3, 2])]],
            results: [(.f32, [2, 3]), (.f32, [2, 2])])
        #expect(try floats(results[0][1]) == [4, 5, 10, 11])
        #expect(throws: PJRTError.self) {
            try Array(saved.prefix(saved.count / 2)).withUnsafeBytes { try Executable(serialized: $0, on: client) }
        }
        #expect(try !program.optimized().bytes.isEmpty)
    }

    @Test("replicas run on devices of their own, and add up what they have")
    func replicas() throws {
        let text = """
            module @sum attributes {mhlo.num_replicas = 2 : i32} {
              func.func public @main(%a: tensor<2xf32>) -> tensor<2xf32> {
                %0 = "stablehlo.all_reduce"(%a) ({
                  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
                    %s = stablehlo.add %x, %y : tensor<f32>
                    stablehlo.return %s : tensor<f32>
                }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<2xf32>) -> tensor<2xf32>
                return %0 : tensor<2xf32>
              }
            }
            """
        let program = try Executable(text: text, CompileOptions(replicas: 2), on: client)
        let parts = try (0..<2).map { replica in
            let values: [Float] = [1, 10 * Float(replica)]
            return try values.withUnsafeBytes {
                [try Buffer($0, .f32, [2], on: client.devices[replica], of: client)]
            }
        }
        let (results, done) = try program.run(parts, results: [(.f32, [2])])
        for event in done { try event.wait(seconds: 60) }
        for result in results { #expect(try floats(result[0]) == [2, 10]) }
    }

    @Test("a program that is none, or does not fit its types, is an error in the compiler's words")
    func compileErrors() throws {
        let wrong = Self.step.replacingOccurrences(of: "-> tensor<2x2xf32>", with: "-> tensor<7x2xf32>")
        for text in ["this is no program", wrong] {
            let error = #expect(throws: PJRTError.self) { try Executable(text: text, on: client) }
            guard case .failed("compiling a program", _, let message)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(!message.isEmpty)
        }
        let unknown = CompileOptions(flags: ["xla_no_such_flag": .boolean(true)])
        #expect(throws: PJRTError.self) { try Executable(text: Self.step, unknown, on: client) }
    }

    @Test("memory that nobody has is an error")
    func outOfMemory() throws {
        let text = """
            module @huge {
              func.func public @main(%a: tensor<f32>) -> tensor<400000000000xf32> {
                %0 = stablehlo.broadcast_in_dim %a, dims = [] : (tensor<f32>) -> tensor<400000000000xf32>
                return %0 : tensor<400000000000xf32>
              }
            }
            """
        let error = #expect(throws: PJRTError.self) {
            let program = try Executable(text: text, on: client)
            let (results, done) = try program.run([[buffer([1], [])]], results: [(.f32, [400_000_000_000])])
            for event in done { try event.wait(seconds: 60) }
            try results[0][0].ready().wait(seconds: 60)
        }
        #expect(error?.isOutOfMemory == true, "\(String(describing: error))")
    }

    @Test("options are the bytes that the compiler reads")
    func options() {
        #expect(
            CompileOptions().bytes == [
                0x1A, 15, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0x20, 1, 0x28, 1,
            ])
        let flags = CompileOptions(flags: ["b": .integer(-1), "a": .boolean(true)])
        let first: [UInt8] = [0x3A, 7, 10, 1, 97, 18, 2, 16, 1]
        var second: [UInt8] = [0x3A, 16, 10, 1, 98, 18, 11, 24]
        second += [UInt8](repeating: 255, count: 9) + [1]
        #expect(Array(flags.bytes.dropFirst(17)) == first + second)
    }
}

@Suite("The plugin of the tests")
struct PluginPresenceTests {
    @Test("is there where tests must not be left out", .enabled(if: TestPlugin.isRequired))
    func presence() { #expect(TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu") }
}
