import Foundation
import LAMTrain
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct CodeTransitionsTests {
    @Test("transitions count neighbouring pairs of one episode, token by token, and are drawn by row")
    func transitions() throws {
        var transitions = CodeTransitions(codes: 3)
        transitions.add(episode: "a", frame: 0, codes: [0, 1])
        transitions.add(episode: "a", frame: 1, codes: [2, 1])
        transitions.add(episode: "a", frame: 3, codes: [0, 0])
        transitions.add(episode: "b", frame: 4, codes: [1, 1])
        #expect(transitions.counts == [0, 0, 1, 0, 1, 0, 0, 0, 0])
        let image = transitions.image()
        // Codes 0 and 2 have one arrow; code 1 follows itself.
        let graph = try #require(transitions.graph())
        #expect(XMLParser(data: Data(graph.utf8)).parse(), "\(graph)")
        #expect(graph.components(separatedBy: "class=\"arrow\"").count == 2)
        #expect(graph.components(separatedBy: "class=\"ring\"").count == 2)
        #expect(CodeTransitions(codes: 3).graph() == nil)
        #expect(image.width == 72 && image.height == 72)
        func color(_ row: Int, _ column: Int) -> [UInt8] {
            let start: Int = 3 * (24 * row * 72 + 24 * column)
            return Array(image.pixels[start..<start + 3])
        }
        let (white, blue): ([UInt8], [UInt8]) = ([255, 255, 255], [31, 111, 180])
        #expect(color(0, 2) == blue)
        #expect(color(0, 0) == white)
        #expect(color(2, 2) == white, "a code that nothing follows")
    }
}
