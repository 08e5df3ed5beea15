import LAM
import LAMData

extension LAMConfiguration {
    var isLawam: Bool { model.familyName == LawamFamily.name }

    mutating func resolveFamily(in context: ConfigContext) {
        guard isLawam else { return }
        if context.locations["model.latent_layer_to_use"] == nil { model.featureLayer = -2 }
    }

    /// Windows by kinds of robots, which only the model's options know.
    mutating func resolveWindows() {
        let human = data.humanFrameSeconds ?? data.frameSeconds
        let rules = model.embodimentIDs.entries.map { ($0.pattern, $0.id == 0 ? human : data.frameSeconds) }
        data.stream.kindWindows = (rules + [("", data.frameSeconds)]).compactMap { pattern, seconds in
            seconds.map { StreamOptions.WindowSeconds(pattern: pattern, seconds: $0, roundsToEven: true) }
        }
    }

    func checkViews(_ context: ConfigContext) throws {
        let path = "data.dual_view_aug"
        guard data.stream.dualViewAug, !isLawam else { return }
        throw ConfigurationError.conflict(
            path: path, at: context.location(of: path),
            problem: "true, but of the families only lawam takes two views of a pair, and the family is "
                + model.familyName,
            remedy: "set model.family to lawam, or remove it")
    }

    /// Terms of the loss and windows of several frames, which need what only some models have.
    func checkSteps(_ context: ConfigContext) throws {
        func conflict(_ path: String, _ problem: String, _ remedy: String) -> ConfigurationError {
            .conflict(path: path, at: context.location(of: path), problem: problem, remedy: remedy)
        }
        let frames = data.stream.frames
        if model.additivityWeight > 0, frames < 3 {
            throw conflict(
                "model.additivity_weight", "\(model.additivityWeight), but samples have \(frames) frames",
                "set data.frames to 3 or more")
        }
        guard frames > 2 else { return }
        if model.stage == .stage2 {
            throw conflict("data.frames", "\(frames), but stage-2 learns from pairs", "remove it, or train stage-1")
        }
        if model.textEncoder != .none {
            throw conflict(
                "data.frames", "\(frames), but with instructions the model learns from pairs",
                "remove it, or set model.text_encoder to none")
        }
    }

    /// Options that only one of the families has.
    func checkFamily(_ context: ConfigContext) throws {
        func conflict(_ key: String, _ problem: String, _ remedy: String) -> ConfigurationError {
            .conflict(
                path: "model.\(key)", at: context.location(of: "model.\(key)"), problem: problem, remedy: remedy)
        }
        guard isLawam else {
            let own =
                ["ffn_expansion_factor", "num_queries", "loss_type", "enc_modal_mask", "decoder_last_ln"]
                + ["enc_add_state", "norm_latents", "norm_latents_type"]
                + ["max_state_dim", "num_embodiments", "state_loss_type", "lambda_aux", "state_key", "embodiment_ids"]
            let values = model.configValue, defaults = ModelConfiguration().configValue
            // A printed configuration has all options.
            if let key = own.first(where: { values[$0] != defaults[$0] }) {
                throw conflict(
                    key, "an option of family lawam, but the family is \(model.familyName)",
                    "set model.family to lawam, or remove it")
            }
            return
        }
        if model.stage == .stage2 {
            throw conflict(
                "stage", "stage-2, but family lawam has one stage", "remove it, or set model.family to two-stage")
        }
        if model.textEncoder != .none {
            throw conflict(
                "text_encoder", "\(model.textEncoder.rawValue), but family lawam reads no instructions", "set none")
        }
        if let entry = model.embodimentIDs.entries.first(where: { $0.id >= model.embodiments }) {
            throw conflict(
                "embodiment_ids", "\(entry.pattern): \(entry.id), but num_embodiments is \(model.embodiments)",
                "raise that, or lower the id")
        }
        if model.addsState, model.maxStateDim == 0 {
            throw conflict(
                "enc_add_state", "true, but max_state_dim is 0, so that there are no states", "set max_state_dim")
        }
        guard model.modelDim.isMultiple(of: 8) else {
            throw conflict(
                "lam_model_dim", "\(model.modelDim) is no multiple of 8, which family lawam's positions need",
                "change it")
        }
    }
}
