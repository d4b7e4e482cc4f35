// A module of its own, as another program's is: "go mod tidy" fills in what it needs.
module example

go 1.26.0

require bitnet-gpu v0.0.0

replace bitnet-gpu => ../..
