import Formats
import Foundation
import TestSupport
import Testing

@Suite("Weight files")
struct WeightFileTests {
    @Test(
        "a safetensors file is known as one whatever the length of its header, whose bytes come first",
        // As low bytes these begin a pickle, a zip archive, and neither.
        arguments: [0x80, 0x280, 0x4B50, 0x0288])
    func headerLength(length: Int) throws {
        let folder = try TemporaryFolder()
        let tensor = StoredTensor(floats: [1, 2], shape: [2])
        let plain = #"{"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8.count
        let name = String(repeating: "n", count: length - plain)
        try SafeTensors.write([name: tensor], to: folder.path("weights"))
        let start = try Data(contentsOf: folder.url("weights")).prefix(2)
        #expect(Int(start[0]) | Int(start[1]) << 8 == length)
        #expect(try WeightFile(path: folder.path("weights")).tensor(name).floats() == [1, 2])
    }
}
