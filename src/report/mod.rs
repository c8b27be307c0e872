//! What people and machines read: neutral blocks, then terminal, markdown and JSON.
