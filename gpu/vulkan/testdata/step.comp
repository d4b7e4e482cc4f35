#version 430
// out[i] = in[i] * mul + add, or with ACCUMULATE out[i] += in[i]*mul + add.
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ACCUMULATE = 0u;
layout(push_constant) uniform Params { uint n, mul, add; };
layout(std430, set = 0, binding = 0) readonly buffer In { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Out { uint y[]; };

void main() {
    uint step = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    for (uint i = gl_GlobalInvocationID.x; i < n; i += step) {
        uint v = x[i] * mul + add;
        y[i] = ACCUMULATE != 0u ? y[i] + v : v;
    }
}
