

define void @kernel.volume(i64 %first, i64 %last, ptr noalias %table) noinline #0 {
entry:
  %array.x.at = getelementptr i64, ptr %table, i64 0
  %array.x = load ptr, ptr %array.x.at
  %array.total.at = getelementptr i64, ptr %table, i64 1
  %array.total = load ptr, ptr %array.total.at
  %lane.stride.at = getelementptr i64, ptr %table, i64 2
  %lane.stride = load i64, ptr %lane.stride.at
  %lane.halo.at = getelementptr i64, ptr %table, i64 3
  %lane.halo = load i64, ptr %lane.halo.at
  %lane.blocks.at = getelementptr i64, ptr %table, i64 4
  %lane.blocks = load i64, ptr %lane.blocks.at
  %lane.extent.at = getelementptr i64, ptr %table, i64 5
  %lane.extent = load i64, ptr %lane.extent.at
  %scalar.depth.at = getelementptr i64, ptr %table, i64 9
  %scalar.depth = load i64, ptr %scalar.depth.at
  %extent.i.at = getelementptr i64, ptr %table, i64 6
  %extent.i = load i64, ptr %extent.i.at
  %extent.j.at = getelementptr i64, ptr %table, i64 7
  %extent.j = load i64, ptr %extent.j.at
  %extent.k.at = getelementptr i64, ptr %table, i64 8
  %extent.k = load i64, ptr %extent.k.at
  br label %blocks
blocks:
  %block = phi i64 [%first, %entry], [%block.next, %next]
  %more = icmp slt i64 %block, %last
  br i1 %more, label %instance, label %end
instance:
  %x1 = srem i64 %block, %lane.blocks
  %x2 = sdiv i64 %block, %lane.blocks
  %x3 = srem i64 %x2, %extent.k
  %x4 = sdiv i64 %x2, %extent.k
  %x5 = srem i64 %x4, %extent.j
  %x6 = sdiv i64 %x4, %extent.j
  %x7 = srem i64 %x6, %extent.i
  %x8 = sdiv i64 %x6, %extent.i
  %x9 = mul nsw i64 %x1, 1
  %x10 = add nsw i64 %x9, %lane.halo
  %x11 = mul i64 0, 2
  %x12 = add i64 %x11, %x7
  %x13 = mul i64 %x12, 3
  %x14 = add i64 %x13, %x5
  %x15 = mul i64 %x14, %scalar.depth
  %x16 = add i64 %x15, %x3
  %x17 = mul i64 %x16, %lane.stride
  %x18 = add i64 %x17, %x10
  %at19 = getelementptr double, ptr %array.x, i64 %x18
  %x20 = load double, ptr %at19, align 8
  %x21 = mul nsw i64 %x5, 10
  %x22 = mul nsw i64 %x7, 100
  %x23 = add nsw i64 %x21, %x22
  %x24 = add nsw i64 %x23, %x3
  %x25 = sitofp i64 %x24 to double
  %x26 = fadd contract double %x20, %x25
  %x27 = mul i64 0, 2
  %x28 = add i64 %x27, %x7
  %x29 = mul i64 %x28, 3
  %x30 = add i64 %x29, %x5
  %x31 = mul i64 %x30, %scalar.depth
  %x32 = add i64 %x31, %x3
  %x33 = mul i64 %x32, %lane.stride
  %x34 = add i64 %x33, %x10
  %at35 = getelementptr double, ptr %array.x, i64 %x34
  store double %x26, ptr %at35, align 8
  %x36 = mul i64 0, 2
  %x37 = add i64 %x36, %x7
  %at38 = getelementptr double, ptr %array.total, i64 %x37
  %x39 = load double, ptr %at38
  %x40 = fadd double %x39, %x20
  store double %x40, ptr %at38
  br label %next
next:
  %block.next = add nsw i64 %block, 1
  br label %blocks
end:
  ret void
}

attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }

!0 = !{!"branch_weights", i32 1, i32 100000}
