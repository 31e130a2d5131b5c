declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)

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
  %row.first = sdiv i64 %first, %lane.blocks
  %column.first = srem i64 %first, %lane.blocks
  br label %tiles
tiles:
  %tile = phi i64 [0, %entry], [%tile.end, %tile.done]
  %tile.more = icmp slt i64 %tile, %lane.blocks
  br i1 %tile.more, label %tile.start, label %end
tile.start:
  %tile.end = add nsw i64 %tile, 512
  br label %rows
rows:
  %row = phi i64 [%row.first, %tile.start], [%row.next, %row.done]
  %row.begin = mul nsw i64 %row, %lane.blocks
  %row.more = icmp slt i64 %row.begin, %last
  br i1 %row.more, label %row.here, label %tile.done
row.here:
  %row.is.first = icmp eq i64 %row, %row.first
  %row.low = select i1 %row.is.first, i64 %column.first, i64 0
  %column = call i64 @llvm.smax.i64(i64 %row.low, i64 %tile)
  %left = sub nsw i64 %last, %row.begin
  %row.high = call i64 @llvm.smin.i64(i64 %left, i64 %lane.blocks)
  %column.last = call i64 @llvm.smin.i64(i64 %row.high, i64 %tile.end)
  %more = icmp slt i64 %column, %column.last
  br i1 %more, label %row.start, label %row.done
row.start:
  %x1 = srem i64 %row, %extent.k
  %x2 = sdiv i64 %row, %extent.k
  %x3 = srem i64 %x2, %extent.j
  %x4 = sdiv i64 %x2, %extent.j
  br label %instance
instance:
  %block = phi i64 [%column, %row.start], [%block.next, %next]
  %x5 = mul nsw i64 %block, 1
  %x6 = add nsw i64 %x5, %lane.halo
  %x7 = mul i64 0, 2
  %x8 = add i64 %x7, %x4
  %x9 = mul i64 %x8, 3
  %x10 = add i64 %x9, %x3
  %x11 = mul i64 %x10, %scalar.depth
  %x12 = add i64 %x11, %x1
  %x13 = mul i64 %x12, %lane.stride
  %x14 = add i64 %x13, %x6
  %at15 = getelementptr double, ptr %array.x, i64 %x14
  %x16 = load double, ptr %at15, align 8
  %x17 = mul nsw i64 %x3, 10
  %x18 = mul nsw i64 %x4, 100
  %x19 = add nsw i64 %x17, %x18
  %x20 = add nsw i64 %x19, %x1
  %x21 = sitofp i64 %x20 to double
  %x22 = fadd contract double %x16, %x21
  %x23 = mul i64 0, 2
  %x24 = add i64 %x23, %x4
  %x25 = mul i64 %x24, 3
  %x26 = add i64 %x25, %x3
  %x27 = mul i64 %x26, %scalar.depth
  %x28 = add i64 %x27, %x1
  %x29 = mul i64 %x28, %lane.stride
  %x30 = add i64 %x29, %x6
  %at31 = getelementptr double, ptr %array.x, i64 %x30
  store double %x22, ptr %at31, align 8
  %x32 = mul i64 0, 2
  %x33 = add i64 %x32, %x4
  %at34 = getelementptr double, ptr %array.total, i64 %x33
  %x35 = load double, ptr %at34
  %x36 = fadd double %x35, %x16
  store double %x36, ptr %at34
  br label %next
next:
  %block.next = add nsw i64 %block, 1
  %within = icmp slt i64 %block.next, %column.last
  br i1 %within, label %instance, label %row.done
row.done:
  %row.next = add nsw i64 %row, 1
  br label %rows
tile.done:
  br label %tiles
end:
  ret void
}

attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }

!0 = !{!"branch_weights", i32 1, i32 100000}

!1 = !{}
