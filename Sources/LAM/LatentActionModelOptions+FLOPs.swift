extension LatentActionModelOptions {
    /// Floating-point operations (a multiply-add is two) of the matrix products in one forward pass of one sample, in
    /// which each frame has `patches` patches of `featureWidth` values behind `actionTokens` others. Everything else is
    /// linear in the tokens and left out, as are instructions, whose lengths differ.
    public func forwardFLOPs(
        patches: Int, featureWidth: Int, actionTokens: Int = LatentActionModel.actionTokens
    ) -> Double {
        let width = Double(modelDim), feature = Double(featureWidth)
        let tokens = Double(actionTokens + patches)
        let projections = 4 * width * width, feedForward = 8 * width * width
        let encoderToken = feature * width + Double(encBlocks) * (2 * projections + feedForward + 2 * tokens * width)
        let decoderToken =
            width * width + Double(decBlocks) * (projections + feedForward + 2 * tokens * width) + width * feature
        let perPair = Double(patches) * feature * width + Double(actionTokens * 2 * latentWidth) * width
        return 2 * (2 * tokens * encoderToken + tokens * decoderToken + perPair)
    }
}
