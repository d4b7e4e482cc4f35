package main

import "strings"

// peerFlags has the table by each name.
var peerFlags = func() map[string]*peerFlag {
	all := map[string]*peerFlag{}
	for i := range peerTable {
		for _, name := range strings.Fields(peerTable[i].names) {
			if all[name] != nil {
				panic("BUG: dialect: two entries for " + name)
			}
			all[name] = &peerTable[i]
		}
	}
	return all
}()

// What is said more than once.
const (
	onePath     = "the fastest way is always taken"
	oneLog      = "standard error has what there is to say; --verbose says more"
	noChat      = "there is no conversation at the keyboard: give one text, with --chat for an answer"
	noSampler   = "there is no such sampler: --temp, --top-k, --top-p, --min-p and the penalties are"
	noRope      = "the positions are computed as the model's file says"
	noGrammar   = "there are no grammars: the text is as the model writes it"
	noDraft     = "there is no draft model: --draft N guesses from what the text repeats"
	noAdapter   = "adapters are not read: merge it into the model"
	noImage     = "there are no pictures or sounds: the models are of text"
	noServer    = "there is no server"
	noThinking  = "no reasoning is told from the answer"
	wholeModel  = "a backend has the whole model; --backend and --device say which"
	cacheIsHalf = "keys and values are float16, always"
	threadsTold = "-t N says how many threads there are"
)

// peerTable has the flags of llama-cli, llama-completion and llama-bench (llama.cpp's
// common/arg.cpp of 2024 to 2026) and of bitnet.cpp's run_inference.py and
// e2e_benchmark.py that are not spelled as ours. A flag that would change the text
// is refused, one that concerns how fast or on what it is made is passed over.
var peerTable = []peerFlag{
	// The model.
	{names: "-hf -hfr --hf", values: 1, ours: "--hf-repo"},
	{names: "-hff", values: 1, ours: "--hf-file"},
	{names: "-hft --hf-token", values: 1, refuse: "set HF_TOKEN: others see command lines"},
	{names: "--offline", refuse: "set HF_HUB_OFFLINE=1; -m never uses the network"},
	{names: "-mu --model-url", values: 1, refuse: "-hf OWNER/NAME:FILE pulls from Hugging Face; download other files first"},
	{names: "-dr --docker-repo", values: 1, refuse: "-hf OWNER/NAME:FILE pulls from Hugging Face"},
	{names: "-a --alias", values: 1, pass: "a name for servers"},
	{names: "-cl --cache-list", refuse: "bitnet-gpu list"},
	{names: "--lora --control-vector", values: 1, refuse: noAdapter},
	{names: "--lora-scaled --control-vector-scaled", values: 1, refuse: noAdapter},
	{names: "--control-vector-layer-range", values: 2, refuse: noAdapter},
	{names: "--override-kv", values: 1, refuse: "a file is read as it is"},
	{names: "--check-tensors", pass: "a file is always checked"},
	{names: "-mm --mmproj", values: 1, refuse: noImage},
	{names: "-mmu --mmproj-url", values: 1, refuse: noImage},
	{names: "-mmdev --mmproj-device", values: 1, pass: noImage},
	{names: "--mmproj-auto --no-mmproj --no-mmproj-auto --mmproj-offload --no-mmproj-offload", pass: noImage},
	{names: "--image --audio --video", values: 1, refuse: noImage},
	{names: "--image-min-tokens --image-max-tokens", values: 1, pass: noImage},
	{names: "-hfv -hfrv --hf-repo-v -hffv --hf-file-v -mv --model-vocoder", values: 1, refuse: noImage},
	{names: "--gpt-oss-20b-default --gpt-oss-120b-default --vision-gemma-4b-default --vision-gemma-12b-default", refuse: "-hf MODEL names the model"},

	// The text.
	{names: "-sys --system-prompt", values: 1, ours: "--system"},
	{names: "-sysf --system-prompt-file", values: 1, refuse: `--system "$(cat FILE)"`},
	{names: "-bf --binary-file", values: 1, refuse: "-f FILE reads text"},
	{names: "--in-file", values: 1, refuse: "-f FILE reads text"},
	{names: "--no-escape", ours: "--escape=false"},
	{names: "--predict", values: 1, ours: "--n-predict"},
	{names: "--reverse-prompt", values: 1, ours: "--stop"},
	{names: "-cnv --conversation", read: func(string) (string, string) { return "--chat", "one answer, as with --chat: " + noChat }},
	{names: "-no-cnv --no-conversation", ours: "--chat=false"},
	{names: "-st --single-turn", ours: "--chat"},
	{names: "-i --interactive -if --interactive-first -ins --instruct -cml --chatml -mli --multiline-input --in-prefix-bos", refuse: noChat},
	{names: "--in-prefix --in-suffix", values: 1, refuse: noChat},
	{names: "--chat-template-file", values: 1, ours: "--chat-template"},
	{names: "--chat-template-kwargs", values: 1, refuse: "a template gets the messages and nothing else"},
	{names: "--jinja --no-jinja", pass: "the model's own template is used"},
	{names: "--skip-chat-parsing --no-skip-chat-parsing", pass: noThinking},
	{names: "--reasoning-format --reasoning-budget --reasoning-budget-message --reasoning-effort", values: 1, pass: noThinking},
	{names: "-rea --reasoning", values: maybe, pass: noThinking},
	{names: "--reasoning-preserve --no-reasoning-preserve", pass: noThinking},
	{names: "-sp", refuse: "the text never has special tokens; --special is about those in the prompt"},
	{names: "--no-display-prompt", ours: "--display-prompt=false"},
	{names: "-ptc --print-token-count", values: 1, pass: "the count stands behind the text"},
	{names: "--keep", values: 1, pass: "nothing is thrown out of the context: the text ends where it is full"},
	{names: "--context-shift", refuse: "the text ends where the context is full: raise -c"},
	{names: "--no-context-shift", pass: "it is so"},
	{names: "-gan --grp-attn-n", values: 1, off: "1", refuse: noRope},
	{names: "-gaw --grp-attn-w", values: 1, pass: noRope},
	{names: "--prompt-cache --path-prompt-cache", values: 1, pass: "a prompt is computed each time"},
	{names: "--prompt-cache-all --prompt-cache-ro", pass: "a prompt is computed each time"},
	{names: "-cram --cache-ram --ctx-checkpoints -ctxcp --swa-checkpoints", values: 1, pass: "a prompt is computed each time"},

	// Sampling.
	{names: "-temp --temperature -temperature", values: 1, ours: "--temp"},
	{names: "--typical --typical-p", values: 1, off: "1", refuse: noSampler},
	{names: "--top-nsigma --top-n-sigma --adaptive-target", values: 1, off: "-1", refuse: noSampler},
	{names: "--tfs", values: 1, off: "1", refuse: noSampler},
	{names: "--xtc-probability --dry-multiplier --dynatemp-range --mirostat", values: 1, off: "0", refuse: noSampler},
	{names: "--xtc-threshold --dry-base --dry-allowed-length --dry-penalty-last-n --dry-sequence-breaker", values: 1, pass: "it belongs to a sampler that is off"},
	{names: "--dynatemp-exp --mirostat-lr --mirostat-ent --adaptive-decay", values: 1, pass: "it belongs to a sampler that is off"},
	{names: "--samplers --sampler-seq --sampling-seq", values: 1, refuse: "the order is fixed: penalties, top-k, top-p, min-p, temperature"},
	{names: "--penalize-nl --no-penalize-nl", pass: "a line end is a token as any other"},
	{names: "--grammar --grammar-file", values: 1, refuse: noGrammar},
	{names: "-j --json-schema -jf --json-schema-file", values: 1, refuse: noGrammar},
	{names: "-bs --backend-sampling", pass: onePath},

	// Positions.
	{names: "--rope-scaling", values: 1, off: "none", refuse: noRope},
	{names: "--rope-scale --rope-freq-scale", values: 1, off: "1", refuse: noRope},
	{names: "--rope-freq-base", values: 1, off: "0", refuse: noRope},
	{names: "--yarn-orig-ctx", values: 1, off: "0", refuse: noRope},
	{names: "--yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast", values: 1, off: "-1", refuse: noRope},

	// Speculation.
	{names: "--draft-n --draft-max --spec-draft-n-max --spec-ngram-mod-n-max", values: 1, ours: "--draft"},
	{names: "-md --model-draft --spec-draft-model -hfd -hfrd --hf-repo-draft --spec-draft-hf", values: 1, refuse: noDraft},
	{names: "--spec-type", values: 1, off: "none", refuse: noDraft},
	{names: "--spec-default", pass: noDraft},
	{names: "--draft-min --draft-n-min --spec-draft-n-min --spec-draft-p-split --draft-p-split --spec-draft-p-min --draft-p-min", values: 1, pass: noDraft},
	{names: "--spec-draft-threads -td --threads-draft --spec-draft-threads-batch -tbd --threads-batch-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-cpu-mask -Cd --cpu-mask-draft --spec-draft-cpu-range -Crd --cpu-range-draft --spec-draft-cpu-mask-batch -Cbd --cpu-mask-batch-draft -Crbd --cpu-range-batch-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-cpu-strict --cpu-strict-draft --spec-draft-prio --prio-draft --spec-draft-poll --poll-draft --spec-draft-cpu-strict-batch --cpu-strict-batch-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-prio-batch --prio-batch-draft --spec-draft-poll-batch --poll-batch-draft --spec-draft-override-tensor -otd --override-tensor-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-cpu-moe -cmoed --cpu-moe-draft --spec-draft-backend-sampling --no-spec-draft-backend-sampling", pass: noDraft},
	{names: "--spec-draft-n-cpu-moe --spec-draft-ncmoe -ncmoed --n-cpu-moe-draft --spec-draft-device -devd --device-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-ngl -ngld --gpu-layers-draft --n-gpu-layers-draft -cd --ctx-size-draft", values: 1, pass: noDraft},
	{names: "--spec-draft-type-k -ctkd --cache-type-k-draft --spec-draft-type-v -ctvd --cache-type-v-draft", values: 1, pass: noDraft},
	{names: "--spec-ngram-mod-n-min --spec-ngram-mod-n-match --spec-ngram-simple-size-n --spec-ngram-simple-size-m --spec-ngram-simple-min-hits", values: 1, pass: noDraft},
	{names: "--spec-ngram-map-k-size-n --spec-ngram-map-k-size-m --spec-ngram-map-k-min-hits --spec-ngram-map-k4v-size-n --spec-ngram-map-k4v-size-m --spec-ngram-map-k4v-min-hits", values: 1, pass: noDraft},
	{names: "-lcs --lookup-cache-static -lcd --lookup-cache-dynamic", values: 1, pass: noDraft},

	// The machine.
	{names: "-ngl --gpu-layers --n-gpu-layers", values: 1, read: func(layers string) (string, string) {
		if strings.Trim(layers, "0,") == "" {
			return "--backend=cpu", ""
		}
		return "", wholeModel
	}},
	{names: "-dev", values: 1, read: func(device string) (string, string) {
		if device == "none" {
			device = "cpu"
		}
		return "--device=" + device, ""
	}},
	{names: "--list-devices", refuse: "bitnet-gpu devices"},
	{names: "-sm --split-mode -ts --tensor-split -mg --main-gpu -ot --override-tensor -ncmoe --n-cpu-moe", values: 1, pass: wholeModel},
	{names: "-cmoe --cpu-moe", pass: wholeModel},
	{names: "--rpc -rpc", values: 1, refuse: "all is computed on this machine"},
	{names: "-fit --fit", values: maybe, pass: "the context is cut to a GPU's memory by itself"},
	{names: "-fitt --fit-target -fitc --fit-ctx", values: 1, pass: "the context is cut to a GPU's memory by itself"},
	{names: "-tb --threads-batch", values: 1, pass: threadsTold + ", for prompts too"},
	{names: "-C --cpu-mask -Cr --cpu-range -Cb --cpu-mask-batch -Crb --cpu-range-batch --cpu-strict --cpu-strict-batch", values: 1, pass: threadsTold + "; taskset binds them"},
	{names: "--prio --prio-batch --poll --poll-batch --numa", values: 1, pass: threadsTold},
	{names: "--batch-size", values: 1, ours: "--batch"},
	{names: "-ub --ubatch-size", values: 1, pass: "-b N is how many tokens are computed together"},
	{names: "-fa --flash-attn", values: maybe, pass: onePath},
	{names: "-ctk --cache-type-k -ctv --cache-type-v", values: 1, pass: cacheIsHalf},
	{names: "-dt --defrag-thold", values: 1, pass: onePath},
	{names: "-kvo --kv-offload -nkvo --no-kv-offload -nopo --no-op-offload --op-offload --no-host --repack -nr --no-repack", values: maybe, pass: onePath},
	{names: "--swa-full", pass: onePath},
	{names: "-np --parallel -ns --sequences", values: 1, off: "1", refuse: "one text at a time"},
	{names: "-cb --cont-batching -nocb --no-cont-batching --kv-unified -kvu --no-kv-unified -no-kvu", pass: "one text at a time"},
	{names: "--mlock --mmap --no-mmap -dio --direct-io -ndio --no-direct-io -mmp", values: maybe, pass: "a file is mapped, and what is needed of it stays in memory"},
	{names: "-lm --load-mode -lzm --lazy-mode", values: 1, pass: "a file is mapped, and what is needed of it stays in memory"},
	{names: "--warmup --no-warmup", pass: "there is no such run"},

	// What is said.
	{names: "--usage", ours: "--help"},
	{names: "--version", refuse: "bitnet-gpu version"},
	{names: "--license", refuse: "MIT, see the file LICENSE"},
	{names: "--completion-bash", refuse: "bitnet-gpu completion bash"},
	{names: "-o --output --output-file", values: 1, refuse: "> FILE, or bitnet-gpu logits -o FILE"},
	{names: "--simple-io", pass: "it is simple"},
	{names: "-co --color --log-colors", values: maybe, pass: "there are no colours"},
	{names: "--log-disable", pass: "2> /dev/null keeps standard error away"},
	{names: "--log-file --log-prompts-dir -ld --logdir", values: 1, pass: "2> FILE writes one"},
	{names: "-lv --verbosity --log-verbosity", values: 1, pass: oneLog},
	{names: "--log-verbose", ours: "--verbose"},
	{names: "--log-prefix --no-log-prefix --log-timestamps --no-log-timestamps --perf --no-perf --show-timings --no-show-timings", pass: oneLog},

	// llama-bench's and e2e_benchmark.py's.
	{names: "--n-token", values: 1, ours: "--n-gen"},
	{names: "-oe --output-err", values: 1, refuse: "-o FORM writes to standard output"},
	{names: "--delay --n-gen-warmup", values: 1, pass: "the first run is not counted"},
	{names: "--progress", pass: "a terminal shows it"},
	{names: "-embd --embeddings", values: maybe, off: "0", refuse: "embeddings are not measured"},
	{names: "-v --verbose", pass: oneLog},

	// A server's.
	{names: "--host --port --path --api-key --api-key-file --server-base", values: 1, refuse: noServer},
}
