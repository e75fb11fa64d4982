"""Whose emotion is asked for, in many pictures: persons, faces and joints found by networks.

networks.py torchvision's detectors and their weights; detectors.py pictures to boxes and joints;
cache.py what was found in each picture, on disk; choice.py which of the persons is the subject;
assign.py a manifest with its boxes; coco.py boxes from, and coco_export.py to, COCO's JSON.
One picture at a time, without a manifest, is `ccim_core.detection`.
"""
